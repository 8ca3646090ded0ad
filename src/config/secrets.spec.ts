import { problemsOf, site } from './config.fixture';
import { formatProblem } from './problems';

describe('secrets', () => {
  it('come from the environment, as text or as the number that is due', () => {
    const env = { SITE: 'east', PORT: '8181', OPEN: 'true', HOST: 'west' };
    const text =
      'site: "${SITE}"\nhttp: { port: "${PORT}" }\ninsecure: "${OPEN}"\nmesh: { links: [{ connect: "amqp://${HOST}:1" }] }';
    expect(site(text, { env })).toMatchObject({
      site: 'east',
      http: { port: 8181 },
      insecure: true,
      mesh: { links: [{ host: 'west' }] },
    });
  });

  it('come from files, without the last newline', () => {
    const readFile = (path: string) => (path === 'name.txt' ? 'east\n' : '');
    expect(site('site: { file: name.txt }', { readFile }).site).toBe('east');
  });

  it('that are missing are problems with their place, told once', () => {
    const told = problemsOf('site: "${NAME}"\nnode: { file: gone }\ndataDir: "${oops"').map(formatProblem);
    expect(told).toEqual([
      '1:7 site: expected the environment variable NAME to be set, found no such variable',
      '2:7 node: expected a readable file gone, found no file gone',
      expect.stringContaining('3:10 dataDir: expected ${NAME} with the name of an environment variable'),
    ]);
  });

  it('leave $${ and message templates alone', () => {
    expect(site('site: a\ndataDir: "/$${X}/${header.account}"').dataDir).toBe('/${X}/${header.account}');
  });

  it('do not turn a number that a text needs into a number', () => {
    expect(site('site: "${S}"', { env: { S: '42' } }).site).toBe('42');
  });
});
