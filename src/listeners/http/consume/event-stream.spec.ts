import type { ServerResponse } from 'node:http';
import { AddressError } from '../../../addresses/errors';
import { encodeMessage } from '../../../message/encode-message';
import { dataBody } from '../../../message/message';
import { FlushQueue } from '../../../transport/flush-queue';
import { Deadlines } from '../../edge/deadlines';
import { ListenerCounters } from '../../edge/listener-counters';
import type { Exchange } from '../exchange';
import { FakeResponse } from '../http.fixture';
import { EVENTS_UNWRITTEN_BYTES_MAX, KEEP_EVENTS_MS } from '../limits';
import { EventStream } from './event-stream';
import { EventTexts } from './event-texts';

function setUp() {
  let nowMs = 0;
  const response = new FakeResponse();
  const deadlines = new Deadlines(() => nowMs);
  const counters = new ListenerCounters();
  const problems: string[] = [];
  const exchange = {
    response: response as unknown as ServerResponse,
    deadlines,
    counters,
    over: false,
    headers: (own: object) => own,
    problem: ({ code }: { code: string }) => problems.push(code),
  } as unknown as Exchange;
  const queue = new FlushQueue(() => undefined);
  let writable = 0;
  const stream = new EventStream(exchange, queue, new EventTexts(), () => void writable++);
  return {
    response,
    counters,
    problems,
    stream,
    turn: () => queue.flush(),
    pass: (ms: number) => {
      nowMs += ms;
      deadlines.look();
    },
    writable: () => writable,
  };
}

function payload(body: string): Buffer {
  return encodeMessage({ properties: { contentType: 'text/plain' }, body: dataBody(Buffer.from(body)) });
}

describe('an event stream', () => {
  it('gathers what one turn brings, and writes it at once', () => {
    const { stream, response, turn, counters } = setUp();
    stream.open();
    for (const body of ['one', 'two']) {
      const bytes = payload(body);
      stream.message(body === 'one' ? null : 'id-2', 'topic/a', bytes, 0, bytes.length);
    }
    expect(response.text).toBe('');
    turn();
    expect(response.read()).toBe(
      'retry: 1000\n\n' +
        'data: {"address":"topic/a","headers":{"content-type":"text/plain"},"data":"one"}\n\n' +
        'id: id-2\ndata: {"address":"topic/a","headers":{"content-type":"text/plain"},"data":"two"}\n\n',
    );
    expect(counters.messagesOut).toBe(2);
  });

  it('takes no more while its client does not read, and asks for more when it does', () => {
    const { stream, response, turn, writable } = setUp();
    expect(stream.ready).toBe(false);
    stream.open();
    const bytes = payload('x'.repeat(10_000));
    let taken = 0;
    for (; stream.ready; taken++) stream.message(null, 'topic/a', bytes, 0, bytes.length);
    expect(taken).toBe(Math.ceil(EVENTS_UNWRITTEN_BYTES_MAX / 10_000));
    turn();
    expect([stream.ready, writable()]).toEqual([false, 0]);
    response.read();
    expect([stream.ready, writable()]).toEqual([true, 1]);
  });

  it('says something now and then, but not to a client that does not read', () => {
    const { stream, response, turn, pass } = setUp();
    stream.open();
    turn();
    pass(KEEP_EVENTS_MS + 1);
    turn();
    expect(response.text).toBe('retry: 1000\n\n');
    response.read();
    pass(KEEP_EVENTS_MS + 1);
    turn();
    expect(response.read()).toBe(': \n\n');
  });

  it('ends with its error as the last event; before it is open that is the answer', () => {
    const open = setUp();
    open.stream.open();
    open.stream.end(new AddressError('FL_CONSUMER_SLOW', 'too slow'));
    expect(open.response.text).toMatch(/event: error\ndata: .*"FL_CONSUMER_SLOW".*\n\n$/);
    expect([open.response.writableEnded, open.stream.ready, open.problems]).toEqual([true, false, []]);
    const early = setUp();
    early.stream.end(new AddressError('FL_CONSUMER_SLOW', 'too slow'));
    expect([early.response.status, early.problems, early.stream.ended]).toEqual([0, ['FL_CONSUMER_SLOW'], true]);
  });

  it('tells of what was missed', () => {
    const { stream, response, turn } = setUp();
    stream.open();
    stream.gap(new Map([['west', 3]]));
    turn();
    expect(response.read()).toContain('event: gap\ndata: {"west":3}\n\n');
  });
});
