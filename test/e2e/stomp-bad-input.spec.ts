import { once } from 'node:events';
import { StompWire } from '../support/clients/stomp-wire';
import { eventually } from '../support/eventually';
import { FairleadNode } from '../support/fairlead-node';
import { freePort } from '../support/free-ports';
import { residentBytes } from '../fuzz/node-memory';

jest.setTimeout(120_000);

const MIB = 1024 * 1024;
let node: FairleadNode;
const open: StompWire[] = [];

beforeAll(async () => {
  node = await FairleadNode.start({
    document: {
      site: 'east',
      mesh: { startHold: '0ms' },
      listeners: [{ name: 'stomp', protocol: 'stomp', port: await freePort() }],
      addresses: [{ match: 'jobs.#', kind: 'queue' }],
      limits: { messageBytes: '8MiB' },
    },
  });
});

afterEach(() => open.splice(0).forEach((wire) => wire.destroy()));

const keep = (wire: StompWire): StompWire => {
  open.push(wire);
  return wire;
};
const fresh = async (): Promise<StompWire> => keep(await StompWire.open(node.port('stomp')));
const connected = async (version = '1.2', headers = {}): Promise<StompWire> =>
  keep(await StompWire.connect(node.port('stomp'), version, headers));

/** Someone who does everything right, and notices nothing of the rest. */
async function works(): Promise<void> {
  const wire = await connected();
  await wire.subscribe('s', '/topic/steady');
  await wire.send('/topic/steady', 'still here');
  expect(String((await wire.next()).body)).toBe('still here');
  await wire.disconnect();
}

async function errorsCounted(): Promise<number> {
  const { body } = await node.http('/metrics');
  const counts = [...String(body).matchAll(/^fairlead_protocol_errors_total\{listener="stomp",[^}]*\} (\d+)/gm)];
  return counts.reduce((sum, [, count]) => sum + Number(count), 0);
}

const head = 'SEND\ndestination:/topic/a\n';

describe('what a client must not send is an ERROR, and the end of its connection alone', () => {
  it.each<[string, string | Buffer, string]>([
    ['bytes of TLS', Buffer.from('16030100a5010000a10303f1f2f3f4f5f6f7f8f9fafbfcfdfeff', 'hex'), 'FL_STOMP_FRAME'],
    ['an HTTP request', 'GET / HTTP/1.1\r\nHost: mesh\r\n\r\n', 'FL_STOMP_FRAME'],
    ['bytes of AMQP', 'AMQP\0\x01\0\0AMQP\0\x01\0\0AMQP\0\x01\0\0', 'FL_STOMP_FRAME'],
    ['a frame before CONNECT', `${head}\nx\0`, 'FL_STOMP_ORDER'],
    ['DISCONNECT before CONNECT', 'DISCONNECT\n\n\0', 'FL_STOMP_ORDER'],
    ['a version that nobody speaks', 'CONNECT\naccept-version:9.9\nhost:mesh\n\n\0', 'FL_STOMP_VERSION'],
    ['a NUL within the headers', 'CONNECT\naccept-version:1.2\0', 'FL_STOMP_FRAME'],
    ['bad UTF-8', Buffer.from('CONNECT\naccept-version:1.2\nhost:\xc3\x28\n\n\0', 'latin1'), 'FL_STOMP_FRAME'],
    ['a header bomb', `CONNECT\n${'a:b\n'.repeat(300)}\n\0`, 'FL_STOMP_LIMIT'],
    ['a header without an end', `CONNECT\na:${'x'.repeat(70_000)}`, 'FL_STOMP_LIMIT'],
    ['a line of headers without an end of the frame', `CONNECT\n${'a:b\n'.repeat(20_000)}`, 'FL_STOMP_LIMIT'],
    ['odd heart-beats', 'CONNECT\naccept-version:1.2\nheart-beat:soon,often\n\n\0', 'FL_STOMP_HEADER'],
  ])('first of all: %s', async (_what, bytes, code) => {
    const wire = await fresh();
    wire.raw(bytes);
    expect((await wire.error()).headers['message']).toContain(code);
    await eventually('the connection ends', () => wire.closed);
    await works();
  });

  it.each<[string, string | Buffer, string]>([
    ['CONNECT again', 'CONNECT\naccept-version:1.2\nhost:mesh\n\n\0', 'FL_STOMP_ORDER'],
    ['a frame of a server', 'MESSAGE\nsubscription:1\n\nx\0', 'FL_STOMP_FRAME'],
    ['an escape that there is not', `${head}a:\\t\n\nx\0`, 'FL_STOMP_FRAME'],
    ['a header without a colon', `${head}nonsense\n\nx\0`, 'FL_STOMP_FRAME'],
    ['no destination', 'SEND\n\nx\0', 'FL_STOMP_HEADER'],
    ['a destination that is none', 'SEND\ndestination:/topic/a.b*c\n\nx\0', 'FL_ADDRESS_NAME'],
    ['a filter to send to', 'SEND\ndestination:/queue/jobs.*\n\nx\0', 'FL_ADDRESS_NAME'],
    ['the wrong kind', 'SEND\ndestination:/topic/jobs.a\n\nx\0', 'FL_ADDRESS_KIND'],
    ['a field that is none', `${head}priority:urgent\n\nx\0`, 'FL_MESSAGE_FIELD'],
    ['a content-length that is none', `${head}content-length:many\n\nx\0`, 'FL_STOMP_HEADER'],
    ['a content-length that is too short', `${head}content-length:1\n\nxyz\0`, 'FL_STOMP_FRAME'],
    ['a content-length beyond all bounds', `${head}content-length:999999999999\n\nx`, 'FL_STOMP_LIMIT'],
    ['a body without an end', `${head}\n${'x'.repeat(9 * MIB)}`, 'FL_STOMP_LIMIT'],
    ['a body where there is none', 'SUBSCRIBE\nid:1\ndestination:/topic/a\n\nx\0', 'FL_STOMP_FRAME'],
    ['SUBSCRIBE without id', 'SUBSCRIBE\ndestination:/topic/a\n\n\0', 'FL_STOMP_HEADER'],
    ['an odd ack', 'SUBSCRIBE\nid:1\ndestination:/topic/a\nack:never\n\n\0', 'FL_STOMP_HEADER'],
    ['a selector that is none', 'SUBSCRIBE\nid:1\ndestination:/topic/a\nselector:a = \n\n\0', 'FL_SELECTOR'],
    ['an id twice', 'SUBSCRIBE\nid:1\ndestination:/topic/a\n\n\0'.repeat(2), 'FL_STOMP_ORDER'],
    ['UNSUBSCRIBE of nothing', 'UNSUBSCRIBE\nid:1\n\n\0', 'FL_STOMP_ORDER'],
    ['ACK of nothing', 'ACK\nid:1-1\n\n\0', 'FL_STOMP_ORDER'],
    ['COMMIT of nothing', 'COMMIT\ntransaction:t\n\n\0', 'FL_STOMP_ORDER'],
    ['a receipt beyond all bounds', `${head}receipt:${'r'.repeat(2_000)}\n\nx\0`, 'FL_STOMP_LIMIT'],
  ])('after CONNECT: %s', async (_what, bytes, code) => {
    const wire = await connected();
    wire.raw(bytes);
    expect((await wire.error()).headers['message']).toContain(code);
    await eventually('the connection ends', () => wire.closed);
    await works();
  });

  it('is counted', async () => {
    const before = await errorsCounted();
    const wire = await fresh();
    wire.raw('NONSENSE\n\n\0');
    await wire.error();
    expect(await errorsCounted()).toBe(before + 1);
  });
});

describe('a client that is slow', () => {
  it('to say CONNECT, is not waited for', async () => {
    const [silent, dripping] = [await fresh(), await fresh()];
    const drip = setInterval(() => dripping.raw('C'), 1_000).unref();
    dripping.raw('CONN');
    await Promise.all([
      eventually('silence is ended', () => silent.closed),
      eventually('so is this', () => dripping.closed),
    ]);
    clearInterval(drip);
    expect((await silent.error()).headers['message']).toContain('no CONNECT');
  });

  it('to send heart-beats, is gone; one that gets some is not', async () => {
    const silent = await connected('1.2', { 'heart-beat': '1000,1000' });
    await eventually('it has heart-beats', () => silent.beats >= 3);
    expect((await silent.error()).headers['message']).toContain('no heart-beat');
    expect(silent.beats).toBeGreaterThan(10);
  });

  it('to read, gets what is kept for it, costs little, and holds nobody else up', async () => {
    const [slow, writer] = [await connected(), await connected()];
    await slow.subscribe('q', '/queue/jobs.slow', { ack: 'client' });
    await slow.subscribe('t', '/topic/flood');
    slow.socket.pause();
    const before = residentBytes(node.pid);
    const body = Buffer.alloc(16 * 1024, 'x');
    for (let n = 0; n < 1_000; n++) writer.tell('SEND', { destination: '/queue/jobs.slow' }, body);
    await writer.send('/queue/jobs.slow', 'the last');
    await works();
    expect(residentBytes(node.pid) - before).toBeLessThan(100 * MIB);
    slow.socket.resume();
    const messages = await slow.take(1_000);
    await slow.answer('ACK', messages.at(-1) as (typeof messages)[0]);
    expect(String((await slow.next()).body)).toBe('the last');
  });

  it('to read receipts, is not read from meanwhile', async () => {
    const slow = await connected();
    slow.socket.pause();
    const frames = Buffer.from(
      `BEGIN\ntransaction:t\n\n\0${`${head}transaction:t\nreceipt:${'r'.repeat(1_000)}\n\nx\0`.repeat(1_000)}`,
    );
    let written = 0;
    // What the kernel takes of both sides is no more than some MiB.
    slow.raw(frames);
    for (; written < 100; written++) {
      if (!slow.socket.write(frames.subarray(frames.indexOf(0) + 1)))
        await Promise.race([once(slow.socket, 'drain'), pause(300)]);
      if (slow.socket.writableLength > 4 * MIB) break;
    }
    expect(slow.socket.writableLength).toBeGreaterThan(MIB);
    await works();
    slow.destroy();
  });
});

it('a node that is stopped and goes on finds its clients where they were', async () => {
  const wire = await connected('1.2', { 'heart-beat': '1000,1000' });
  await wire.subscribe('s', '/topic/paused');
  const beat = setInterval(() => wire.raw('\n'), 1_000);
  node.pause();
  await pause(22_000);
  node.resume();
  await wire.send('/topic/paused', 'after it');
  expect(String((await wire.next()).body)).toBe('after it');
  clearInterval(beat);
  expect(wire.closed).toBe(false);
});

it('clients are told that the node ends', async () => {
  const other = await FairleadNode.start({
    document: {
      site: 'west',
      mesh: { startHold: '0ms' },
      listeners: [{ name: 'stomp', protocol: 'stomp', port: await freePort() }],
    },
  });
  const wire = keep(await StompWire.connect(other.port('stomp')));
  await wire.subscribe('s', '/topic/a');
  expect(await other.stop()).toBe(0);
  expect((await wire.error()).headers['message']).toContain('FL_STOMP_SHUTDOWN');
  await eventually('the connection ends', () => wire.closed);
});

/** How long a write may be stuck before that is what it is. */
function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
