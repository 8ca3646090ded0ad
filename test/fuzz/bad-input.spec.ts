import { described } from '../../src/amqp/codec/delivery-states';
import { encodeValue } from '../../src/amqp/codec/encoder';
import { AmqpTyped, type AmqpValue } from '../../src/amqp/codec/values';
import { AMQP_HEADER, frame, performative, ubyte, uint, type FrameName } from '../../src/amqp/raw-peer.fixture';
import { eventually } from '../support/eventually';
import { FairleadNode } from '../support/fairlead-node';
import { BOMBS } from './mutations';
import { conditionOf, RawClient, type Frame } from './raw-client';
import { SteadyPair } from './steady-pair';

const CODE = { detach: 0x16, end: 0x17, close: 0x18 } as const;
/** Far more than the node needs; it only bounds a test that hangs. */
const PATIENCE_MS = 20_000;

let node: FairleadNode;
let pair: SteadyPair;
beforeAll(async () => {
  node = await FairleadNode.start({ document: { site: 'bad', mesh: { startHold: '0ms' } } });
  pair = await SteadyPair.start(node.amqpPort, 'topic/steady');
}, 120_000);

/** Opened, with a session and links on which the client sends (handle 0) and receives (handle 1). */
async function client(): Promise<RawClient> {
  const raw = await RawClient.connect(node.amqpPort);
  const termini = [described(0x28, ['topic/bad']), described(0x29, ['topic/bad'])];
  raw.send(
    Buffer.concat([
      AMQP_HEADER,
      frame(0, performative('open', ['bad-client'])),
      frame(0, performative('begin', [null, uint(0), uint(100), uint(100)])),
      frame(0, performative('attach', ['out', uint(0), false, null, null, ...termini, null, null, uint(0)])),
      frame(0, performative('attach', ['in', uint(1), true, null, null, ...termini])),
    ]),
  );
  // Both attaches are answered, and there is credit.
  const ready = () => codesOf(raw).filter((code) => code === 0x12).length === 2 && codesOf(raw).includes(0x13);
  expect(await raw.until(ready, PATIENCE_MS)).toBe(true);
  return raw;
}

function codesOf(raw: RawClient): number[] {
  return raw.frames.map(({ code }) => code);
}

function lastOf(raw: RawClient, code: number): Frame | undefined {
  return raw.frames.filter((each) => each.code === code).at(-1);
}

async function metric(condition: string, listener = 'amqp'): Promise<number> {
  const { body } = await node.http('/metrics');
  const line = `fairlead_protocol_errors_total{listener="${listener}",condition="${condition}"} `;
  return Number(new RegExp(`^${line.replace(/[{}]/g, '\\$&')}(\\d+)`, 'm').exec(String(body))?.[1] ?? 0);
}

const say = (name: FrameName, fields: readonly AmqpValue[], channel = 0) => frame(channel, performative(name, fields));
const transfer = (handle: number, id: number, rest: readonly AmqpValue[] = []) =>
  frame(
    0,
    performative(
      'transfer',
      [uint(handle), uint(id), Buffer.from([id & 0xff]), uint(0), ...rest],
      Buffer.from('005375a00178', 'hex'),
    ),
  );

type Case = readonly [what: string, condition: string, bytes: Buffer];

const CLOSED: readonly Case[] = [
  ['frame size 0', 'amqp:connection:framing-error', frame(0, Buffer.alloc(0), 0)],
  ['frame size 0xffffffff', 'amqp:connection:framing-error', frame(0, Buffer.alloc(0), 0xffff_ffff)],
  ['an oversized frame', 'amqp:connection:framing-error', frame(0, Buffer.alloc(20_000))],
  ['a data offset that lies', 'amqp:connection:framing-error', frame(0, Buffer.alloc(8), 16, 200)],
  ['an unknown performative', 'amqp:not-implemented', frame(0, encodeValue(described(0x77, [])))],
  ['a missing mandatory field', 'amqp:decode-error', say('flow', [uint(0)])],
  ['a field of a wrong type', 'amqp:decode-error', say('begin', [null, 'zero', uint(1), uint(1)], 5)],
  ['an unknown channel', 'amqp:not-allowed', say('flow', [uint(0), uint(1), uint(0), uint(1)], 77)],
  ['a second open', 'amqp:illegal-state', say('open', ['again'])],
];
const BOMB_CASES: readonly Case[] = BOMBS.map((bytes, n) => [`bomb ${n}`, 'amqp:decode-error', bytes]);

const ENDED: readonly Case[] = [
  ['a transfer on an unknown handle', 'amqp:session:unattached-handle', transfer(40, 0)],
  ['a delivery-id that jumps', 'amqp:invalid-field', Buffer.concat([transfer(0, 0), transfer(0, 9)])],
  ['a handle that is in use', 'amqp:session:handle-in-use', say('attach', ['other', uint(0), true])],
];

const DETACHED: readonly Case[] = [
  [
    'transfers without credit',
    'amqp:link:transfer-limit-exceeded',
    Buffer.concat(Array.from({ length: 100 }, (_, id) => transfer(0, id))),
  ],
  ['a settle mode that the link does not have', 'amqp:invalid-field', transfer(0, 0, [false, false, ubyte(1)])],
];

describe('bad input to a real node', () => {
  it.each([
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')],
    ['another version of AMQP', Buffer.from('AMQP\x00\x00\x09\x01', 'latin1')],
    ['TLS', Buffer.from('1603010200010001fc0303', 'hex')],
  ])('%s instead of a protocol header: the header that is spoken, and the end', async (_what, bytes) => {
    const before = await metric('amqp:connection:framing-error');
    const raw = await RawClient.connect(node.amqpPort);
    raw.send(bytes);
    expect(await raw.until(() => raw.closed, PATIENCE_MS)).toBe(true);
    expect(raw.answer.toString('latin1')).toBe('AMQP\x00\x01\x00\x00');
    expect(await metric('amqp:connection:framing-error')).toBe(before + 1);
  });

  it.each([...CLOSED, ...BOMB_CASES])('%s closes the connection with %s', async (_what, condition, bytes) => {
    const before = await metric(condition);
    const raw = await client();
    raw.send(bytes);
    expect(await raw.until(() => raw.closed, PATIENCE_MS)).toBe(true);
    expect(conditionOf(lastOf(raw, CODE.close))).toBe(condition);
    expect(await metric(condition)).toBe(before + 1);
  });

  it('idle-time-out as a double closes the connection with amqp:decode-error', async () => {
    const raw = await RawClient.connect(node.amqpPort);
    raw.send(Buffer.concat([AMQP_HEADER, say('open', ['c', null, null, null, new AmqpTyped('double', 30_000)])]));
    expect(await raw.until(() => raw.closed, PATIENCE_MS)).toBe(true);
    expect(conditionOf(lastOf(raw, CODE.close))).toBe('amqp:decode-error');
  });

  it.each(ENDED)('%s ends the session with %s, and nothing wider', async (_what, condition, bytes) => {
    const before = await metric(condition);
    const raw = await client();
    raw.send(bytes);
    expect(await raw.until(() => codesOf(raw).includes(CODE.end), PATIENCE_MS)).toBe(true);
    expect(conditionOf(lastOf(raw, CODE.end))).toBe(condition);
    expect(await metric(condition)).toBe(before + 1);
    raw.send(Buffer.concat([say('end', []), say('begin', [null, uint(0), uint(9), uint(9)])]));
    expect(await raw.until(() => codesOf(raw).filter((code) => code === 0x11).length === 2, PATIENCE_MS)).toBe(true);
    raw.destroy();
  });

  it.each(DETACHED)('%s detaches the link with %s, and nothing wider', async (_what, condition, bytes) => {
    const before = await metric(condition);
    const raw = await client();
    raw.send(bytes);
    expect(await raw.until(() => codesOf(raw).includes(CODE.detach), PATIENCE_MS)).toBe(true);
    expect(conditionOf(lastOf(raw, CODE.detach))).toBe(condition);
    expect(await metric(condition)).toBe(before + 1);
    const attaches = codesOf(raw).filter((code) => code === 0x12).length;
    raw.send(
      Buffer.concat([
        say('detach', [uint(0), true]),
        say('attach', ['again', uint(5), true, null, null, described(0x28, ['topic/bad'])]),
      ]),
    );
    expect(await raw.until(() => codesOf(raw).filter((code) => code === 0x12).length > attaches, PATIENCE_MS)).toBe(
      true,
    );
    expect(codesOf(raw)).not.toContain(CODE.end);
    raw.destroy();
  });

  it('a truncated conversation costs its own connection only', async () => {
    for (let cut = 1; cut < 60; cut += 3) {
      const raw = await RawClient.connect(node.amqpPort);
      raw.send(Buffer.concat([AMQP_HEADER, say('open', ['c'.repeat(40)])]).subarray(0, cut));
      raw.end();
      expect(await raw.until(() => raw.closed, PATIENCE_MS)).toBe(true);
    }
  });

  it('a conversation of one-byte writes is served', async () => {
    const raw = await RawClient.connect(node.amqpPort);
    const termini = [described(0x28, ['topic/bad']), described(0x29, ['topic/bad'])];
    const begin = say('begin', [null, uint(0), uint(100), uint(100)]);
    const attach = say('attach', ['slow', uint(0), true, null, null, ...termini]);
    await raw.sendBytewise(Buffer.concat([AMQP_HEADER, say('open', ['c']), begin, attach]));
    expect(await raw.until(() => codesOf(raw).includes(0x12), PATIENCE_MS)).toBe(true);
    raw.destroy();
  });

  it('what is no node on the mesh port is refused there, and counted', async () => {
    const before = await metric('amqp:connection:framing-error', 'mesh');
    for (const bytes of [Buffer.from('GET / HTTP/1.1\r\n\r\n'), AMQP_HEADER, Buffer.alloc(64, 0xff)]) {
      const raw = await RawClient.connect(node.meshPort);
      raw.send(bytes);
      expect(await raw.until(() => raw.closed, PATIENCE_MS)).toBe(true);
    }
    expect(await metric('amqp:connection:framing-error', 'mesh')).toBe(before + 3);
  });

  it('half-open and slow handshakes are ended in their time, byte for byte or silent', async () => {
    const silent = await Promise.all(Array.from({ length: 200 }, () => RawClient.connect(node.amqpPort, true)));
    const slow = await RawClient.connect(node.amqpPort);
    const bytes = Buffer.concat([AMQP_HEADER, say('open', ['c'.repeat(200)])]);
    let at = 0;
    const drip = setInterval(() => slow.send(bytes.subarray(at, ++at)), 100);
    expect(await slow.until(() => slow.closed, PATIENCE_MS)).toBe(true);
    clearInterval(drip);
    expect(at).toBeLessThan(bytes.length);
    for (const each of silent) expect(await each.until(() => each.ended, PATIENCE_MS)).toBe(true);
    await eventually('only the steady pair is connected', async () => {
      const { body } = await node.http('/metrics');
      return /^fairlead_connections\{[^}]*\} 2$/m.test(String(body));
    });
    for (const each of silent) each.destroy();
  });

  it('and the pair beside all this has noticed nothing; every error was told or counted as left out', async () => {
    const { sent, received } = await pair.finish();
    expect(pair.complaints).toEqual([]);
    expect(received).toEqual(Array.from({ length: sent }, (_, n) => n));
    const { body } = await node.http('/metrics');
    const sum = (name: string) =>
      [...String(body).matchAll(new RegExp(`^${name}\\{listener="amqp"[^}]*\\} (\\d+)`, 'gm'))].reduce(
        (all, [, n]) => all + Number(n),
        0,
      );
    const lines = node
      .log()
      .split('\n')
      .filter((line) => line.includes('"event":"protocol-error"'));
    expect(lines.length + sum('fairlead_peer_log_lines_suppressed_total')).toBe(sum('fairlead_protocol_errors_total'));
    const line = JSON.parse(lines[0] as string) as Record<string, unknown>;
    expect(line).toMatchObject({
      condition: expect.stringContaining('amqp:'),
      why: expect.any(String),
      from: expect.stringContaining('127.0.0.1:'),
    });
  });
});
