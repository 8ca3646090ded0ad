import * as fc from 'fast-check';
import { connect } from 'node:net';
import { once } from 'node:events';
import { StompWire } from '../support/clients/stomp-wire';
import { within } from '../support/eventually';
import { FairleadNode } from '../support/fairlead-node';
import { freePort } from '../support/free-ports';
import { note, seedOf } from '../support/seed';
import { connectionsOr, MEMORY_BYTES_MAX } from './limits';
import { MemoryWatch } from './node-memory';

const CONNECTIONS = connectionsOr(1_500);
const AT_ONCE = 24;
/** What a connection may take that is neither ended nor heard of again. */
const PATIENCE_MS = 500;

const seed = seedOf(__filename);

const CONNECT = 'CONNECT\naccept-version:1.0,1.1,1.2\nhost:mesh\n\n\0';
const FRAMES = [
  CONNECT,
  'STOMP\r\naccept-version:1.2\r\nhost:mesh\r\nheart-beat:1000,1000\r\n\r\n\0\n',
  'SEND\ndestination:/topic/fuzz.a\ncontent-type:text/plain\nreceipt:1\n\nhello\0',
  'SEND\ndestination:/queue/jobs.fuzz\ncontent-length:5\npersistent:true\npriority:9\nfairlead-body:string\n\nhe\0lo\0',
  'SEND\ndestination:/queue/jobs.fuzz\nreply-to:/temp-queue/x\ntransaction:t\nfairlead-type-n:int\nn:5\n\n\0',
  'SUBSCRIBE\nid:1\ndestination:/topic/fuzz.#\nack:auto\nselector:n > 5\nreceipt:2\n\n\0',
  'SUBSCRIBE\nid:2\ndestination:/queue/jobs.fuzz\nack:client-individual\nprefetch-count:5\n\n\0',
  'ACK\nid:2-1\n\n\0',
  'NACK\nid:2-2\ntransaction:t\n\n\0',
  'BEGIN\ntransaction:t\n\n\0',
  'COMMIT\ntransaction:t\nreceipt:3\n\n\0',
  'ABORT\ntransaction:t\n\n\0',
  'UNSUBSCRIBE\nid:1\n\n\0',
  'DISCONNECT\nreceipt:4\n\n\0',
].map((text) => Buffer.from(text));

const TELLING = [0, 0x0a, 0x0d, 0x3a, 0x5c, 0x63, 0x6e, 0x80, 0xc3, 0xff];

type Mutation =
  | { readonly kind: 'set'; readonly place: number; readonly byte: number }
  | { readonly kind: 'insert'; readonly place: number; readonly bytes: Uint8Array }
  | { readonly kind: 'remove'; readonly place: number; readonly count: number }
  | { readonly kind: 'bomb'; readonly place: number; readonly bomb: number };

const BOMBS = [
  'a:b\n'.repeat(1_000),
  'x'.repeat(70_000),
  'content-length:4000000000\n',
  '\\c'.repeat(5_000),
  '\n'.repeat(9_000),
];

const place = fc.nat(400);
const byte = fc.oneof(fc.constantFrom(...TELLING), fc.nat(255));
const MUTATION: fc.Arbitrary<Mutation> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('set' as const), place, byte }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('insert' as const),
      place,
      bytes: fc.uint8Array({ minLength: 1, maxLength: 30 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('remove' as const), place, count: fc.integer({ min: 1, max: 40 }) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('bomb' as const), place, bomb: fc.nat(BOMBS.length - 1) }) },
);

const PLAN = fc.record({
  /** Most say CONNECT first, as it is. */
  polite: fc.integer({ min: 0, max: 3 }).map((n) => n > 0),
  frames: fc.array(fc.nat(FRAMES.length - 1), { minLength: 1, maxLength: 10 }),
  mutations: fc.array(MUTATION, { maxLength: 4 }),
  slice: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.integer({ min: 1, max: 60 }) }),
});
type Plan = typeof PLAN extends fc.Arbitrary<infer T> ? T : never;

function mutated(bytes: Buffer, mutation: Mutation): Buffer {
  const at = bytes.length === 0 ? 0 : mutation.place % bytes.length;
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
  switch (mutation.kind) {
    case 'set':
      return Buffer.concat([before, Buffer.from([mutation.byte]), after.subarray(1)]);
    case 'insert':
      return Buffer.concat([before, mutation.bytes, after]);
    case 'remove':
      return Buffer.concat([before, after.subarray(mutation.count)]);
    case 'bomb':
      return Buffer.concat([before, Buffer.from(BOMBS[mutation.bomb] ?? ''), after]);
  }
}

function bytesOf({ polite, frames, mutations }: Plan): Buffer {
  const said = mutations.reduce(mutated, Buffer.concat(frames.map((frame) => FRAMES[frame] as Buffer)));
  return polite ? Buffer.concat([Buffer.from(CONNECT), said]) : said;
}

/** @returns whether the node has ended it */
async function replay(port: number, plan: Plan): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  socket.resume();
  const closed = once(socket, 'close').then(() => true);
  const bytes = bytesOf(plan);
  const slice = plan.slice === 0 ? bytes.length : plan.slice;
  for (let at = 0; at < bytes.length && !socket.destroyed; at += Math.max(slice, bytes.length >> 8))
    socket.write(bytes.subarray(at, at + Math.max(slice, bytes.length >> 8)));
  const late = new Promise<boolean>((resolve) => setTimeout(() => resolve(false), PATIENCE_MS));
  const ended = await Promise.race([closed, late]);
  socket.destroy();
  return ended;
}

it(`${CONNECTIONS} malformed STOMP connections: the node lives, its memory is bounded, a client beside them notices nothing`, async () => {
  const node = await FairleadNode.start({
    document: {
      site: 'fuzz',
      mesh: { startHold: '0ms' },
      listeners: [{ name: 'stomp', protocol: 'stomp', port: await freePort() }],
      addresses: [{ match: 'jobs.#', kind: 'queue', maxDepth: 1_000 }],
    },
  });
  const port = node.port('stomp');
  const [reader, writer] = [await StompWire.connect(port), await StompWire.connect(port)];
  await reader.subscribe('s', '/topic/steady');
  const memory = new MemoryWatch(node.pid);
  const plans = fc.sample(PLAN, { seed, numRuns: CONNECTIONS });
  let next = 0;
  let ended = 0;
  let sent = 0;
  const work = async (): Promise<void> => {
    for (let index = next++; index < plans.length && node.running; index = next++) {
      if (await replay(port, plans[index] as Plan)) ended++;
      if (index % 25 === 0) await writer.send('/topic/steady', String(sent++));
    }
  };
  await within('all of them', Promise.all(Array.from({ length: AT_ONCE }, work)), 200_000);
  if (!node.running) throw new Error(`the node died of seed ${seed}\n${node.logTail()}`);
  const bodies = (await reader.take(sent)).map(({ body }) => Number(body));
  expect(bodies.sort((a, b) => a - b)).toEqual(Array.from({ length: sent }, (_, n) => n));
  const peak = memory.stop();
  expect(peak).toBeLessThan(MEMORY_BYTES_MAX);
  note(`${CONNECTIONS} connections, ${ended} ended by the node; ${sent} steady messages; ${peak >> 20} MiB`);
  // Most break something.
  expect(ended).toBeGreaterThan(CONNECTIONS / 3);
  expect(await node.stop()).toBe(0);
}, 240_000);
