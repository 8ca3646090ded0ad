import { CLIENT_NAMES, CLIENT_PAIRS } from '../support/clients/foreign-clients';
import type { Delivery } from '../support/clients/client';
import { dataMessage } from '../support/clients/message';
import { Ends } from '../support/ends';

let ends: Ends;

beforeAll(async () => {
  const addresses = [
    { match: 'alerts.#', kind: 'multicast', ack: 'all' },
    { match: 'wanted.#', kind: 'topic', noSubscriber: 'release' },
  ] as const;
  ends = await Ends.start(['laptop', 'private', 'public'], { document: { addresses: [...addresses] } });
});

afterAll(() => ends.close());

const NO_FIELDS = { error: null, failed: false, undeliverable: false, annotations: null };

describe.each(CLIENT_PAIRS)('anycast from %s to %s over two hops', (from, to) => {
  it.each<[string, (delivery: Delivery) => void, object]>([
    ['accepted', (delivery) => delivery.accept(), { state: 'accepted', ...NO_FIELDS }],
    ['released', (delivery) => delivery.release(), { state: 'released', ...NO_FIELDS }],
    [
      'modified, with every field',
      (delivery) =>
        delivery.modify({ failed: true, undeliverable: true, annotations: { 'x-opt-why': 'printer on fire' } }),
      {
        state: 'modified',
        error: null,
        failed: true,
        undeliverable: true,
        annotations: { 'x-opt-why': 'printer on fire' },
      },
    ],
    [
      'modified, undeliverable here',
      (delivery) => delivery.modify({ undeliverable: true }),
      { state: 'modified', failed: false, undeliverable: true },
    ],
    [
      'modified, failed',
      (delivery) => delivery.modify({ failed: true }),
      { state: 'modified', failed: true, undeliverable: false },
    ],
    ['rejected without an error', (delivery) => delivery.reject(), { state: 'rejected', ...NO_FIELDS }],
    [
      'rejected with an error',
      (delivery) => delivery.reject({ condition: 'test:bad', description: 'too bad', info: { field: 'amount' } }),
      {
        state: 'rejected',
        error: { condition: 'test:bad', description: 'too bad', info: { field: 'amount' } },
      },
    ],
  ])('%s is what the sender hears', async (name, answer, expected) => {
    const address = `anycast/outcome.${from}.${to}.${name.replace(/\W+/g, '-')}`;
    const receiver = await ends.last(to).openReceiver({ address });
    const sender = await ends.first(from).openSender({ address });
    const outcome = sender.send(dataMessage('work'));
    answer(await receiver.inbox.next());
    expect(await outcome).toMatchObject({ settled: true, ...expected });
    expect(receiver.inbox.waiting).toBe(0);
    await Promise.all([sender.close(), receiver.close()]);
  });
});

describe.each(CLIENT_NAMES)('multicast to two sites, heard by %s', (name) => {
  it('is accepted when both accept', async () => {
    const address = `alerts.both.${name}`;
    const near = await ends.first(name).openReceiver({ address, autoAccept: true });
    const far = await ends.last(name).openReceiver({ address });
    const sender = await ends.first(name).openSender({ address });
    const outcome = sender.send(dataMessage('fire'));
    await near.inbox.next();
    (await far.inbox.next()).accept();
    expect((await outcome).state).toBe('accepted');
    await Promise.all([sender.close(), near.close(), far.close()]);
  });

  it.each<[string, (delivery: Delivery) => void]>([
    ['rejects', (delivery) => delivery.reject({ condition: 'test:no', description: 'not here' })],
    ['releases', (delivery) => delivery.release()],
  ])('is rejected as partial, naming the site, when one %s', async (how, answer) => {
    const address = `alerts.partial.${name}.${how}`;
    const near = await ends.first(name).openReceiver({ address, autoAccept: true });
    const far = await ends.last(name).openReceiver({ address });
    const sender = await ends.first(name).openSender({ address });
    const outcome = sender.send(dataMessage('fire'));
    await near.inbox.next();
    answer(await far.inbox.next());
    const { state, error } = await outcome;
    expect([state, error?.condition]).toEqual(['rejected', 'fairlead:partial']);
    expect(error?.description).toMatch(/public/);
    expect(error?.description).not.toMatch(/laptop/);
    await Promise.all([sender.close(), near.close(), far.close()]);
  });
});

describe.each(CLIENT_NAMES)('without anybody to hear %s', (name) => {
  it('a topic accepts, and releases where its rule says so', async () => {
    const [accepting, releasing] = await Promise.all([
      ends.first(name).openSender({ address: `topic/nobody.${name}` }),
      ends.first(name).openSender({ address: `wanted.nobody.${name}` }),
    ]);
    expect(await accepting.send(dataMessage('?'))).toMatchObject({ state: 'accepted', settled: true });
    expect(await releasing.send(dataMessage('?'))).toMatchObject({ state: 'released', settled: true });
  });

  it('anycast gives no credit until a consumer comes', async () => {
    const address = `anycast/later.${name}`;
    const sender = await ends.first(name).openSender({ address });
    const outcome = sender.send(dataMessage('waits'));
    // Whatever the node has to say on that connection has been said once a later link has its credit and an outcome.
    const other = await ends.first(name).openSender({ address: `topic/other.${name}` });
    await other.send(dataMessage('x'));
    expect(sender.credit).toBe(0);
    const receiver = await ends.last(name).openReceiver({ address, autoAccept: true });
    expect((await receiver.inbox.next()).payload).toEqual(dataMessage('waits'));
    expect((await outcome).state).toBe('accepted');
  });
});
