import type { Chunk } from '../../src/common/chunk';
import { REFUSAL, RESET, type IncomingTunnel, type Offer, type Refusal, type Reset } from '../../src/tunnels/contract';
import type { Tunnel, TunnelHandler } from '../../src/tunnels/contract';
import type { TunnelError } from '../../src/tunnels/errors';
import type { VirtualNode } from './virtual-mesh';

/** A byte that depends on its position alone, so that a lost, doubled or moved one is seen. */
function byteAt(position: number, salt: number): number {
  return (position * 31 + (position >>> 8) * 17 + salt) & 0xff;
}

/** One end of a tunnel that sends a pattern as fast as it may, and checks the pattern that comes. */
export class SimTunnelEnd implements TunnelHandler {
  tunnel: Tunnel | null = null;
  openedCount = 0;
  refused: TunnelError | null = null;
  ended = false;
  resetReason: Reset | null = null;
  received = 0;
  wrong = 0;
  sent = 0;
  /** Bytes that came and were not read. */
  unread = 0;
  mostUnread = 0;
  /** Reads nothing while it is set. */
  slow = false;
  #toSend = 0;
  #endAfter = false;

  constructor(
    private readonly sendSalt: number,
    private readonly receiveSalt: number,
  ) {}

  /** Sends so much more of its pattern, and then ends its direction if asked to. */
  send(bytes: number, andEnd = false): void {
    this.#toSend += bytes;
    this.#endAfter ||= andEnd;
    this.onWritable();
  }

  onWritable(): void {
    const { tunnel } = this;
    while (tunnel !== null && this.sent < this.#toSend && !tunnel.blocked) {
      const length = Math.min(65_536, this.#toSend - this.sent);
      const bytes = Buffer.alloc(length);
      for (let at = 0; at < length; at++) bytes[at] = byteAt(this.sent + at, this.sendSalt);
      const taken = tunnel.write(bytes, 0, length);
      this.sent += taken;
      if (taken < length) return;
    }
    if (this.#endAfter && this.sent === this.#toSend && this.openedCount > 0) {
      this.#endAfter = false;
      tunnel?.end();
    }
  }

  onOpen(): void {
    this.openedCount++;
    this.onWritable();
  }

  onRefused(error: TunnelError): void {
    this.refused = error;
  }

  onData(chunk: Chunk, start: number, end: number): void {
    for (let at = start; at < end; at++) {
      if (chunk.bytes[at] !== byteAt(this.received, this.receiveSalt)) this.wrong++;
      this.received++;
    }
    this.unread += end - start;
    this.mostUnread = Math.max(this.mostUnread, this.unread);
    if (!this.slow) this.read();
  }

  /** Reads what has come. */
  read(): void {
    const bytes = this.unread;
    this.unread = 0;
    this.tunnel?.consumed(bytes);
  }

  onEnd(): void {
    this.ended = true;
  }

  onReset(reason: Reset): void {
    this.resetReason = reason;
  }
}

/** A caller at a node. */
export function call(node: VirtualNode, service: string, salt = 1): SimTunnelEnd {
  const end = new SimTunnelEnd(salt, salt + 100);
  end.tunnel = node.running.tunnels.open(service, end);
  return end;
}

/** A service at a node that takes what comes, or refuses it. */
export class SimService {
  readonly ends: SimTunnelEnd[] = [];
  readonly waiting: IncomingTunnel[] = [];
  refusal: Refusal | null = null;
  /** Answers nothing by itself. */
  holding = false;
  asked = 0;
  slow = false;
  readonly offer: Offer;

  constructor(
    readonly node: VirtualNode,
    service: string,
    private readonly salt = 1,
  ) {
    this.offer = node.running.tunnels.offer(service, (tunnel) => this.#take(tunnel));
  }

  #take(tunnel: IncomingTunnel): TunnelHandler {
    this.asked++;
    const end = new SimTunnelEnd(this.salt + 100, this.salt);
    end.tunnel = tunnel;
    end.slow = this.slow;
    if (this.holding) this.waiting.push(tunnel);
    else if (this.refusal !== null) tunnel.refuse(this.refusal, 'not today');
    else {
      tunnel.accept();
      end.openedCount++;
      this.ends.push(end);
    }
    return end;
  }

  /** The one end that it has. */
  get end(): SimTunnelEnd {
    const [end] = this.ends;
    if (end === undefined || this.ends.length > 1) throw new Error(`${this.ends.length} tunnels, not one`);
    return end;
  }
}

export { REFUSAL, RESET };
