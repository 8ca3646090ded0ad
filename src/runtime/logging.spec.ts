import { formatText, NestLog } from './logging';

describe('a log line as text', () => {
  it('has time, level and event first, then the fields; what could be misread is quoted', () => {
    const record = {
      level: 40,
      time: 0,
      site: 's',
      node: 'n',
      event: 'link-down',
      link: 'to-west',
      why: 'timed out',
      tries: 3,
    };
    expect(formatText(JSON.stringify(record))).toBe(
      '1970-01-01T00:00:00.000Z WARN link-down link=to-west why="timed out" tries=3\n',
    );
  });

  it('keeps to one line whatever a peer has sent', () => {
    const record = { level: 30, time: 0, event: 'x', why: 'a\nb' };
    expect(formatText(JSON.stringify(record))).toBe('1970-01-01T00:00:00.000Z INFO x why="a\\nb"\n');
  });
});

describe('what Nest says of an error', () => {
  it.each([
    ['is for debugging when it is thrown as well', 'ExceptionHandler', 'debug'],
    ['is for debugging when a port of the start is in use', 'NestApplication', 'debug'],
    ['is an error when nobody else tells it', 'ExceptionsHandler', 'error'],
  ])('%s', (_what, context, level) => {
    const said: string[] = [];
    const logger = { debug: () => said.push('debug'), error: () => said.push('error') };
    new NestLog(logger as unknown as ConstructorParameters<typeof NestLog>[0]).error('boom', 'stack', context);
    expect(said).toEqual([level]);
  });
});
