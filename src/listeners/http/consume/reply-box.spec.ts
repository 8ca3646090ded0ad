import { AddressError } from '../../../addresses/errors';
import { encodeMessage } from '../../../message/encode-message';
import { dataBody } from '../../../message/message';
import { FakeLargeBody } from '../../edge/messages.fixture';
import { type Asked, HttpNode } from '../http.fixture';
import { ReplyBox } from './reply-box';

const WITHIN_MS = 5_000;

/** A reply; some leave the correlation-id out. */
function reply(body: string, correlationId: string | null): Buffer {
  const properties = { contentType: 'text/plain', ...(correlationId !== null && { correlationId }) };
  return encodeMessage({ properties, body: dataBody(Buffer.from(body)) });
}

function setUp() {
  const node = new HttpNode();
  const box = new ReplyBox(node.options, 'client', node.counters);
  const { consumer } = node.addresses;
  const ask = (correlation: string | null): Asked & { more: Record<string, string> } => {
    const asked = node.ask();
    return { ...asked, more: box.ask(asked.exchange, correlation, WITHIN_MS) };
  };
  return { node, box, consumer, ask };
}

describe('the replies of a connection', () => {
  it('come to a temporary queue that its requests name', () => {
    const { node, consumer, ask } = setUp();
    expect(consumer.spec).toMatchObject({ address: 'temporary', hint: 'queue', settled: true });
    expect(ask('c-1').more).toEqual({ 'fairlead-correlation-id': 'c-1', 'fairlead-reply-to': 'temporary' });
    expect(node.budget.links).toBe(1);
  });

  it('answer the request with their correlation-id, or the one that waits', () => {
    const { node, consumer, ask } = setUp();
    const first = ask('c-1');
    consumer.deliver(-1, reply('one', 'c-1'));
    expect([first.response.status, first.response.read()]).toEqual([200, 'one']);
    const second = ask(null);
    expect(second.more['fairlead-correlation-id']).toMatch(/^[\da-f-]{36}$/);
    consumer.deliver(-1, reply('two', null));
    expect(second.response.read()).toBe('two');
    expect([node.deadlines.size, node.counters.messagesOut, node.counters.repliesLate]).toEqual([0, 2, 0]);
  });

  it('may be large', () => {
    const { consumer, ask } = setUp();
    const { response } = ask('c-1');
    const [other, body] = ['c-0', 'c-1'].map((id) => new FakeLargeBody(reply('x'.repeat(100_000), id)));
    const { handler, address } = consumer;
    handler.deliverLarge(-1, address, true, other as FakeLargeBody);
    expect(response.status).toBe(0);
    handler.deliverLarge(-1, address, true, body as FakeLargeBody);
    let text = '';
    while (!response.writableFinished) text += response.read();
    expect(text).toBe('x'.repeat(100_000));
    expect([other?.claims, body?.claims]).toEqual([1, 1]);
  });

  it('that do not come in time are 504', () => {
    const { node, box, ask } = setUp();
    const { response } = ask('c-1');
    node.pass(WITHIN_MS - 1);
    expect(response.status).toBe(0);
    node.pass(1);
    expect([response.status, response.code]).toEqual([504, 'FL_HTTP_REPLY']);
    expect([node.deadlines.size, box.isUsedUp]).toEqual([0, true]);
  });

  it('that come late are dropped and counted, and answer no other request', () => {
    const { node, consumer, ask } = setUp();
    ask('c-1');
    node.pass(WITHIN_MS);
    consumer.deliver(-1, reply('late', null));
    const { response } = ask('c-2');
    consumer.deliver(-1, reply('late', 'c-1'));
    expect([response.status, node.counters.repliesLate, node.counters.messagesOut]).toEqual([0, 2, 0]);
    consumer.deliver(-1, reply('two', 'c-2'));
    expect(response.text).toBe('two');
  });

  it.each<[string, (setup: ReturnType<typeof setUp>, asked: Asked) => void]>([
    ['its time is over', ({ node }) => node.pass(WITHIN_MS)],
    ['its client goes', (_, { response }) => response.cut()],
    ['it was not published', ({ box }, { exchange }) => box.giveUp(exchange)],
  ])('of a request are not waited for when %s, and go to a queue that no later one uses', (_what, end) => {
    const setup = setUp();
    const asked = setup.ask('c-1');
    expect(setup.box.isUsedUp).toBe(false);
    end(setup, asked);
    expect([setup.box.isUsedUp, setup.node.deadlines.size]).toEqual([true, 0]);
    setup.consumer.deliver(-1, reply('late', 'c-1'));
    expect(setup.node.counters.repliesLate).toBe(1);
  });

  it('are waited for when an earlier request is given up late', () => {
    const { node, box, consumer, ask } = setUp();
    const first = ask('c-1');
    node.pass(WITHIN_MS);
    const second = ask('c-2');
    box.giveUp(first.exchange);
    consumer.deliver(-1, reply('two', 'c-2'));
    expect(second.response.text).toBe('two');
  });

  it('that cannot come any more are told so', () => {
    const { node, box, consumer, ask } = setUp();
    const { response } = ask('c-1');
    consumer.handler.onGone(new AddressError('FL_QUEUE_GONE', 'the queue has gone'));
    expect([response.status, response.code, box.isUsedUp]).toEqual([404, 'FL_QUEUE_GONE', true]);
    expect([node.budget.links, node.deadlines.size, node.addresses.dropped]).toEqual([0, 0, ['temporary']]);
  });

  it('have their queue as long as the connection', () => {
    const { node, box, consumer, ask } = setUp();
    ask('c-1');
    box.close();
    box.close();
    expect([consumer.failed, node.budget.links, node.addresses.dropped, node.deadlines.size]).toEqual([
      false,
      0,
      ['temporary'],
      0,
    ]);
  });
});
