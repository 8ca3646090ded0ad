import { SILENT_JOURNAL } from '../../common/ports';
import type { ByteStream, ByteStreamUser } from '../../transport/byte-stream';
import { FlushQueue } from '../../transport/flush-queue';
import { PeerErrorLog } from '../../transport/peer-error-log';
import { FakeAddresses } from '../edge/addresses.fixture';
import { ClientBudget } from '../edge/client-budget';
import { Deadlines } from '../edge/deadlines';
import type { EdgeConnection, EdgePort } from '../edge/edge-protocol';
import { ListenerCounters } from '../edge/listener-counters';
import { StompEdge } from './stomp-edge';

/** A stream whose other end is the test. */
export class FakeStream implements ByteStream {
  readonly remoteAddress = '192.0.2.1:4711';
  unwrittenBytes = 0;
  user!: ByteStreamUser;
  readonly chunks: Buffer[] = [];
  paused = false;
  ended = false;

  begin(user: ByteStreamUser): void {
    this.user = user;
  }
  write(buffers: readonly Buffer[]): void {
    if (!this.ended) this.chunks.push(...buffers.map((buffer) => Buffer.from(buffer)));
  }
  pause(): void {
    this.paused = true;
  }
  resume(): void {
    this.paused = false;
  }
  end(): void {
    this.ended = true;
  }
  destroy(): void {
    this.ended = true;
  }
}

/** A frame of the server. */
export interface SeenFrame {
  readonly command: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** A client whose frames are written by hand, at a connection of the edge. */
export class FakePeer implements EdgePort {
  readonly addresses = new FakeAddresses();
  readonly budget = new ClientBudget(10);
  readonly counters = new ListenerCounters();
  readonly errors = new PeerErrorLog(SILENT_JOURNAL);
  readonly stream = new FakeStream();
  readonly connection: EdgeConnection;
  nowMs = 0;
  readonly deadlines = new Deadlines(() => this.nowMs);
  closings = 0;
  #unread = Buffer.alloc(0);
  readonly #queue = new FlushQueue(() => undefined);

  constructor(messageBytesMax = 100_000, subprotocol: string | null = null) {
    const edge = new StompEdge({
      addresses: this.addresses,
      queue: this.#queue,
      budget: this.budget,
      deadlines: this.deadlines,
      messageBytesMax,
      server: 'fairlead/test',
    });
    this.connection = edge.open(this.stream, this, subprotocol);
  }

  /** Connected with a version. */
  static connected(version = '1.2', more: Readonly<Record<string, string>> = {}): FakePeer {
    const peer = new FakePeer();
    peer.say('CONNECT', { 'accept-version': version, host: 'mesh', ...more });
    peer.take();
    return peer;
  }

  closed(): void {
    this.closings++;
  }

  say(command: string, headers: Readonly<Record<string, string>> = {}, body = ''): void {
    const lines = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`);
    this.raw(`${command}\n${lines.join('')}\n${body}\0`);
  }

  raw(text: string | Buffer): void {
    this.stream.user.read(Buffer.from(text));
  }

  /** The end of a turn. */
  run(): void {
    this.#queue.flush();
    if (!this.stream.ended) this.stream.user.written();
    this.#queue.flush();
  }

  bytes(): Buffer {
    this.run();
    return Buffer.concat(this.stream.chunks.splice(0));
  }

  /** The frames that came since the last call. */
  take(): SeenFrame[] {
    const frames: SeenFrame[] = [];
    let bytes = Buffer.concat([this.#unread, this.bytes()]);
    for (;;) {
      while (bytes[0] === 0x0a) bytes = bytes.subarray(1);
      const headEnd = bytes.indexOf('\n\n');
      if (headEnd < 0) break;
      const [command = '', ...lines] = bytes.toString('utf8', 0, headEnd).split('\n');
      const headers = Object.fromEntries(
        lines.map((line) => /^([^:]*):(.*)$/s.exec(line)?.slice(1) as [string, string]),
      );
      const length = headers['content-length'];
      const end = length === undefined ? bytes.indexOf(0, headEnd + 2) : headEnd + 2 + Number(length);
      if (end < 0 || end >= bytes.length) break;
      frames.push({ command, headers, body: bytes.toString('utf8', headEnd + 2, end) });
      bytes = bytes.subarray(end + 1);
    }
    this.#unread = Buffer.from(bytes);
    return frames;
  }

  /** Time goes on. What is late is so when it still is at the next look. */
  pass(ms: number): void {
    this.nowMs += ms;
    this.deadlines.look();
    this.deadlines.look();
  }
}
