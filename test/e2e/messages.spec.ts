import { createHash } from 'node:crypto';
import { EVERY_FIELD, SPECIMENS, VALUES } from '../support/clients/catalogue';
import { CLIENT_PAIRS, describeProton } from '../support/clients/foreign-clients';
import { dataMessage, encodeMessage } from '../support/clients/message';
import type { ProtonConnection } from '../support/clients/proton-client';
import { bareMessageOf, SECTION, section } from '../support/clients/sections';
import { tag } from '../support/clients/tagged';
import { Ends } from '../support/ends';

const KIB = 1024;
const MIB = 1024 * KIB;

/** Each costs seconds: one kind per pair, all kinds in all. */
const KIND_OF_LARGEST = {
  'rhea-rhea': 'topic',
  'rhea-proton': 'anycast',
  'proton-rhea': 'multicast',
  'proton-proton': 'topic',
} as const;

let ends: Ends;

beforeAll(async () => {
  ends = await Ends.start(['laptop', 'private', 'public']);
});

afterAll(() => ends.close());

const digest = (payload: Buffer): string => createHash('sha256').update(payload).digest('hex');

describe.each(CLIENT_PAIRS)('from %s to %s over two hops', (from, to) => {
  it('every type and every section arrives as it was sent, byte for byte', async () => {
    const address = `topic/specimens.${from}.${to}`;
    const receiver = await ends.last(to).openReceiver({ address, prefetch: 500, autoAccept: true });
    const sender = await ends.first(from).openSender({ address });
    const outcomes = SPECIMENS.map(({ payload }) => sender.send(payload));
    for (const { name, payload } of SPECIMENS) {
      const { payload: arrived } = await receiver.inbox.next();
      expect({ name, payload: arrived.toString('hex') }).toEqual({ name, payload: payload.toString('hex') });
    }
    expect(new Set((await Promise.all(outcomes)).map(({ state }) => state))).toEqual(new Set(['accepted']));
    await Promise.all([sender.close(), receiver.close()]);
  });

  it.each([
    ['0 B', 0, 'topic'],
    ['100 B', 100, 'multicast'],
    ['10 KiB', 10 * KIB, 'anycast'],
    ['1 MiB', MIB, 'topic'],
    ['1 MiB', MIB, 'multicast'],
    ['1 MiB', MIB, 'anycast'],
    ['50 MiB', 50 * MIB, KIND_OF_LARGEST[`${from}-${to}`]],
  ])('a body of %s arrives whole (%d bytes, %s)', async (_name, bytes, kind) => {
    const address = `${kind}/sizes.${from}.${to}.${bytes}`;
    const receiver = await ends.last(to).openReceiver({ address, autoAccept: true });
    const sender = await ends.first(from).openSender({ address });
    const payload = dataMessage(body(bytes), { message_id: 'large', application_properties: { bytes } });
    const outcome = sender.send(payload);
    const delivery = await receiver.inbox.next(60_000);
    expect([delivery.payload.length, digest(delivery.payload)]).toEqual([payload.length, digest(payload)]);
    expect((await outcome).state).toBe('accepted');
    await Promise.all([sender.close(), receiver.close()]);
  });
});

describeProton('as its decoder and encoder see it', () => {
  it('proton reads every value that rhea passed on', async () => {
    const address = 'topic/values.read';
    const receiver = await (ends.last('proton') as ProtonConnection).openReceiver({
      address,
      prefetch: 500,
      autoAccept: true,
      describe: true,
    });
    const sender = await ends.first('rhea').openSender({ address });
    for (const value of VALUES) void sender.send(section(SECTION.value, value));
    for (const value of VALUES) expect((await receiver.inbox.next()).message['body']).toEqual(value);
  });

  it('proton encodes every value, and it arrives as it encoded it', async () => {
    const address = 'topic/values.written';
    const receiver = await ends.last('rhea').openReceiver({ address, prefetch: 500, autoAccept: true });
    const sender = await (ends.first('proton') as ProtonConnection).openSender({ address });
    for (const body of VALUES) {
      const { payload, outcome } = await sender.sendMessage({ body });
      expect(outcome.state).toBe('accepted');
      expect((await receiver.inbox.next()).payload.toString('hex')).toBe(payload.toString('hex'));
    }
  });

  it.each([
    ['data', true, tag.binary(Buffer.from('body'))],
    ['sequence', true, tag.list(tag.string('a'), tag.whole('int', 1))],
    ['value', false, tag.map([tag.string('k'), tag.whole('ulong', 1)])],
  ])('every field and a body of %s go from proton to proton and to rhea', async (_name, inferred, body) => {
    const address = `topic/fields.${_name}`;
    const proton = await (ends.last('proton') as ProtonConnection).openReceiver({
      address,
      autoAccept: true,
      describe: true,
    });
    const rhea = await ends.last('rhea').openReceiver({ address, autoAccept: true });
    const sender = await (ends.first('proton') as ProtonConnection).openSender({ address });
    const { payload } = await sender.sendMessage({ ...EVERY_FIELD, body, inferred });
    const atProton = await proton.inbox.next();
    expect(atProton.message).toEqual({ ...EVERY_FIELD, body, inferred });
    const atRhea = await rhea.inbox.next();
    for (const arrived of [atProton, atRhea]) {
      expect(bareMessageOf(arrived.payload).equals(bareMessageOf(payload))).toBe(true);
      expect(arrived.payload.equals(payload)).toBe(true);
    }
  });

  it('every field that rhea encodes is read by proton', async () => {
    const address = 'topic/fields.rhea';
    const receiver = await (ends.last('proton') as ProtonConnection).openReceiver({
      address,
      autoAccept: true,
      describe: true,
    });
    const sender = await ends.first('rhea').openSender({ address });
    const payload = encodeMessage({
      durable: true,
      priority: 7,
      ttl: 60_000,
      message_id: 'message-1',
      user_id: Buffer.from('user'),
      correlation_id: 77,
      group_sequence: 42,
      message_annotations: { 'x-opt-note': 5 },
      application_properties: { tenant: 'acme', exact: true },
      body: { k: ['v', null] },
    });
    void sender.send(payload);
    const { message } = await receiver.inbox.next();
    expect(message).toMatchObject({
      durable: EVERY_FIELD.durable,
      priority: EVERY_FIELD.priority,
      ttl: EVERY_FIELD.ttl,
      id: EVERY_FIELD.id,
      user_id: EVERY_FIELD.user_id,
      correlation_id: EVERY_FIELD.correlation_id,
      group_sequence: EVERY_FIELD.group_sequence,
      properties: tag.map([tag.string('tenant'), tag.string('acme')], [tag.string('exact'), tag.boolean(true)]),
      body: tag.map([tag.string('k'), tag.list(tag.string('v'), { t: 'null' })]),
    });
  });
});

/** Every byte value, no period that a frame or segment size divides. */
function body(bytes: number): Buffer {
  const period = Buffer.from(Array.from({ length: 65_521 }, (_, n) => (n * 31 + (n >>> 8)) & 0xff));
  return Buffer.alloc(bytes, period);
}
