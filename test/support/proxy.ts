import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { SeededRandom } from '../../src/common/ports';
import { PERFECT, type FlowQuality, type Trap } from './proxy-flow';
import { DIRECTIONS, type Direction, ProxyPair } from './proxy-pair';

export type { Direction };

/**
 * A TCP proxy that does to connections what networks do: between two nodes, or between a client and its node. Its port
 * stays the same for its life, so that a document can name it.
 */
export class FaultProxy {
  readonly #pairs = new Set<ProxyPair>();
  readonly #quality: Record<Direction, FlowQuality> = { up: { ...PERFECT }, down: { ...PERFECT } };
  readonly #traps: Record<Direction, Trap[]> = { up: [], down: [] };
  /** Every connection from now on is reset after so many bytes, counted from its first. */
  #life: { readonly direction: Direction; readonly bytes: number } | null = null;
  readonly #random: SeededRandom;
  #server: Server | null = null;
  #port = 0;
  /** Connections that came in so far. */
  accepted = 0;

  private constructor(
    private readonly target: { readonly host: string; readonly port: number },
    seed: number,
  ) {
    this.#random = new SeededRandom(seed);
  }

  static async listen(targetPort: number, seed = 1): Promise<FaultProxy> {
    const proxy = new FaultProxy({ host: '127.0.0.1', port: targetPort }, seed);
    await proxy.#bind();
    return proxy;
  }

  get port(): number {
    return this.#port;
  }

  get connections(): number {
    return this.#pairs.size;
  }

  /** Bytes passed on by the connections that are open now. */
  passed(direction: Direction): number {
    return [...this.#pairs].reduce((sum, pair) => sum + pair.passed(direction), 0);
  }

  // --- faults --------------------------------------------------------------------------------------------------------------

  /** Resets every connection; new ones get through. */
  reset(): void {
    for (const pair of [...this.#pairs]) pair.reset();
  }

  /** Resets every connection and refuses new ones until `heal`. */
  async cut(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    const closed = new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve()));
    this.reset();
    await closed;
  }

  /** Bytes vanish without a word; connections stay, and new ones are taken and hear nothing. */
  blackHole(...directions: Direction[]): void {
    for (const direction of directions) this.#quality[direction].blackHole = true;
  }

  /** Connections break, and only one end learns of it: it sees a reset, the other one silence. */
  halfOpen(informed: 'dialler' | 'listener'): void {
    this.blackHole(...DIRECTIONS);
    for (const pair of [...this.#pairs]) pair.resetOnly(informed);
  }

  delay(delayMs: number): void {
    for (const direction of DIRECTIONS) this.#quality[direction].delayMs = delayMs;
  }

  rate(bytesPerSecond: number | null, directions: readonly Direction[] = DIRECTIONS): void {
    for (const direction of directions) this.#quality[direction].bytesPerSecond = bytesPerSecond;
  }

  /** Every write carries 1 to so many bytes. */
  slice(bytesMax: number | null): void {
    for (const direction of DIRECTIONS) this.#quality[direction].sliceBytesMax = bytesMax;
  }

  /** Resets the connection right before the byte that comes after `bytes` more; resolves when it has happened. */
  resetAfter(direction: Direction, bytes: number): Promise<void> {
    return this.#trap('reset', direction, bytes);
  }

  /** Changes one bit of the byte that comes after `bytes` more; resolves when it has happened. */
  corruptAfter(direction: Direction, bytes: number): Promise<void> {
    return this.#trap('corrupt', direction, bytes);
  }

  /** Each connection from now on is reset after its first `bytes` in that direction; null for none. */
  resetEachAfter(direction: Direction, bytes: number | null): void {
    this.#life = bytes === null ? null : { direction, bytes };
  }

  /** All faults end. Connections that lost bytes cannot be mended: they are reset. */
  async heal(): Promise<void> {
    const lossy = DIRECTIONS.some((direction) => this.#quality[direction].blackHole);
    for (const direction of DIRECTIONS) {
      Object.assign(this.#quality[direction], PERFECT);
      this.#traps[direction].length = 0;
    }
    this.#life = null;
    if (lossy) this.reset();
    if (this.#server === null) await this.#bind();
  }

  close(): Promise<void> {
    return this.cut();
  }

  // --- inside --------------------------------------------------------------------------------------------------------------

  #trap(kind: Trap['kind'], direction: Direction, bytes: number): Promise<void> {
    return new Promise((resolve) => this.#traps[direction].push({ kind, bytesLeft: bytes, onDone: resolve }));
  }

  async #bind(): Promise<void> {
    const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => this.#accept(socket));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: '127.0.0.1', port: this.#port }, resolve);
    });
    this.#port = (server.address() as AddressInfo).port;
    this.#server = server;
  }

  #accept(dialled: Socket): void {
    this.accepted++;
    const listening = connect({ ...this.target, noDelay: true, allowHalfOpen: true });
    const pair: ProxyPair = new ProxyPair(dialled, listening, {
      quality: this.#quality,
      traps: this.#life === null ? this.#traps : lifeTraps(this.#life),
      random: () => this.#random.u32() / 0x1_0000_0000,
      onGone: () => this.#pairs.delete(pair),
    });
    this.#pairs.add(pair);
  }
}

function lifeTraps({ direction, bytes }: { readonly direction: Direction; readonly bytes: number }) {
  const traps: Record<Direction, Trap[]> = { up: [], down: [] };
  traps[direction].push({ kind: 'reset', bytesLeft: bytes, onDone: () => undefined });
  return traps;
}
