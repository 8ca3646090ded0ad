import { Chunk } from '../common/chunk';
import { WireReader, WireWriter } from '../common/wire';
import type { Replicas, Routes } from '../routing/contract';
import type { Streams } from '../streams/contract';
import { REFUSAL, RESET, type TunnelHandler } from './contract';
import { SERVICES_MAX, TUNNEL_WINDOW_BYTES_MAX, TUNNELS_MAX } from './limits';
import { PIECE, SERVICE_LETTER, TOWARDS, writeOpen } from './messages';
import { TunnelCore } from './tunnel-core';

const SELF = 1;
const OTHER = 2;

/** What another node says to a node with one service, and what that one answers. */
function node() {
  const told: { node: number; bytes: Buffer }[] = [];
  const view = (id: number) => ({ id, name: `n${id}`, site: `s${id}`, incarnation: 1, reachable: true, cost: 10 });
  const core = new TunnelCore({
    clock: { now: () => 0, wall: () => 0 },
    routes: { self: view(SELF), view } as unknown as Routes,
    replicas: { set: () => undefined, delete: () => undefined } as unknown as Replicas,
    streams: {
      targetSet: ([target]: readonly number[]) => ({ key: '', targets: [target] }),
      isFull: () => false,
      append: (
        set: { targets: number[] },
        _c: number,
        _a: string,
        _f: number,
        bytes: Buffer,
        from: number,
        to: number,
      ) => void told.push({ node: set.targets[0] ?? 0, bytes: Buffer.from(bytes.subarray(from, to)) }),
      sendControl: () => undefined,
    } as unknown as Streams,
    scheduleFlush: () => undefined,
  });
  const resets: number[] = [];
  let received = 0;
  const handler: TunnelHandler = {
    onOpen: () => undefined,
    onRefused: () => undefined,
    onData: (_chunk, start, end) => void (received += end - start),
    onEnd: () => undefined,
    onWritable: () => undefined,
    onReset: (reason) => void resets.push(reason),
  };
  core.offer('shop', (tunnel) => {
    tunnel.accept();
    return handler;
  });
  core.onReachable(view(OTHER));
  const say = (towards: number, piece: number, id: number, bytes: Buffer): void => {
    const whole = Buffer.concat([new WireWriter(6).u8(towards).u8(piece).u32(id).take(), bytes]);
    core.onMessage(OTHER, new Chunk(whole, null, 0), 0, whole.length);
  };
  const answers = (): number[][] => told.splice(0).map(({ bytes }) => [bytes[1] ?? 0, bytes.readUInt32BE(2)]);
  return { core, say, answers, resets, handler, told, received: () => received };
}

describe('tunnels of a peer that breaks the rules', () => {
  it('resets one that sends past its credit, and takes nothing more of it', () => {
    const { core, say, answers, resets, received } = node();
    say(TOWARDS.service, PIECE.open, 7, writeOpen('shop', 1_000));
    expect(answers()).toEqual([[PIECE.accept, 7]]);
    const piece = Buffer.alloc(31 * 1024);
    for (let n = 0; n * piece.length <= TUNNEL_WINDOW_BYTES_MAX; n++) say(TOWARDS.service, PIECE.data, 7, piece);
    say(TOWARDS.service, PIECE.data, 7, piece);
    expect(resets).toEqual([RESET.violated]);
    expect(answers()).toEqual([[PIECE.reset, 7]]);
    expect(received()).toBeLessThanOrEqual(TUNNEL_WINDOW_BYTES_MAX);
    expect([core.incoming, core.tally.resets.get('violated')]).toEqual([0, 1]);
  });

  it('ignores what is for no tunnel, and what comes twice', () => {
    const { core, say, answers } = node();
    for (const towards of [TOWARDS.service, TOWARDS.opener]) {
      say(towards, PIECE.data, 1, Buffer.alloc(10));
      say(towards, PIECE.end, 1, Buffer.alloc(0));
      say(towards, PIECE.reset, 1, Buffer.of(1));
    }
    say(TOWARDS.opener, PIECE.accept, 1, new WireWriter(6).u48(1).take());
    say(TOWARDS.opener, PIECE.refuse, 1, new WireWriter().u8(1).text('no').take());
    expect(answers()).toEqual([]);
    say(TOWARDS.service, PIECE.open, 1, writeOpen('shop', 1));
    say(TOWARDS.service, PIECE.open, 1, writeOpen('shop', 1));
    expect([answers(), core.incoming]).toEqual([[[PIECE.accept, 1]], 1]);
  });

  it.each([
    ['an unknown piece', TOWARDS.service, 99, Buffer.alloc(0)],
    ['an open for the opener', TOWARDS.opener, PIECE.open, writeOpen('shop', 1)],
    ['an open that ends early', TOWARDS.service, PIECE.open, Buffer.of(0, 9, 1)],
    ['a reset without a reason', TOWARDS.service, PIECE.reset, Buffer.alloc(0)],
  ])('is a wire error: %s', (_what, towards, piece, bytes) => {
    const { say } = node();
    say(TOWARDS.service, PIECE.open, 1, writeOpen('shop', 1));
    expect(() => say(towards, piece, 1, bytes)).toThrow(expect.objectContaining({ code: 'FL_WIRE' }) as Error);
  });

  it('refuses tunnels past the limit, and ignores services past theirs', () => {
    const { core, say, told } = node();
    for (let id = 0; id <= TUNNELS_MAX; id++) say(TOWARDS.service, PIECE.open, id, writeOpen('shop', 1));
    expect([core.incoming, core.tally.refusals.get('full')]).toEqual([TUNNELS_MAX, 1]);
    expect(told.at(-1)?.bytes[1]).toBe(PIECE.refuse);
    expect(told.at(-1)?.bytes[6]).toBe(REFUSAL.full);
    const keys = Array.from(
      { length: SERVICES_MAX + 5 },
      (_, n) => [`${SERVICE_LETTER}s${n}`, Buffer.alloc(0)] as const,
    );
    core.onInterest(OTHER, null, keys);
    expect([core.services().length, core.tally.servicesIgnored]).toEqual([SERVICES_MAX + 1, 5]);
    core.onInterest(OTHER, new Map([[`${SERVICE_LETTER}s1`, Buffer.alloc(0)]]), []);
    expect(core.services().map(({ service }) => service)).toEqual(['s1', 'shop']);
  });

  it('opens no more than the limit, and refuses names that are none', () => {
    const { core, handler } = node();
    for (let n = 0; n < TUNNELS_MAX; n++) core.open('shop', handler);
    expect(() => core.open('shop', handler)).toThrow(expect.objectContaining({ code: 'FL_TUNNEL_LIMIT' }) as Error);
    for (const name of ['', 'x'.repeat(256)])
      expect(() => core.offer(name, () => handler)).toThrow(
        expect.objectContaining({ code: 'FL_TUNNEL_NAME' }) as Error,
      );
    expect(() => core.onCredit(OTHER, new WireReader(Buffer.of(1)))).toThrow('mesh frame ends');
  });
});
