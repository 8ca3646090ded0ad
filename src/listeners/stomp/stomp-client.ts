import { randomUUID } from 'node:crypto';
import type { AddressSpace } from '../../addresses/contract';
import { FairleadError } from '../../common/errors';
import type { ByteStream, ByteStreamUser } from '../../transport/byte-stream';
import type { Flushable } from '../../transport/flush-queue';
import type { ClientBudget } from '../edge/client-budget';
import type { Deadlines } from '../edge/deadlines';
import type { EdgeConnection, EdgePort } from '../edge/edge-protocol';
import type { ListenerCounters } from '../edge/listener-counters';
import { agreed, HEART_BEAT } from './connect';
import { StompError } from './errors';
import type { FrameHead } from './frame';
import { FrameOutput } from './frame-output';
import { FrameReader, type FrameUser } from './frame-reader';
import { OUTPUT_BYTES_MAX, RECEIPTS_DUE_MAX } from './limits';
import { MessageWriter } from './message-out';
import { Pulse, type PulseUser } from './pulse';
import type { Session, StompEdgeOptions } from './session';
import type { StompVersion } from './version';
import { Work } from './work';

/** Before CONNECT, between it and the end, and after DISCONNECT, while what was asked for before is done. */
type State = 'new' | 'connected' | 'leaving' | 'over';

/** One client's connection. */
export class StompClient implements EdgeConnection, ByteStreamUser, FrameUser, Flushable, PulseUser, Session {
  readonly output = new FrameOutput();
  readonly addresses: AddressSpace;
  readonly budget: ClientBudget;
  readonly counters: ListenerCounters;
  readonly deadlines: Deadlines;
  readonly messageBytesMax: number;
  version: StompVersion = '1.2';
  writer = new MessageWriter('1.2');
  clientId: string | null = null;
  readonly client: string = `stomp-${randomUUID()}`;
  readonly #reader: FrameReader;
  readonly #pulse: Pulse;
  #state: State = 'new';
  #work: Work | null = null;
  #draining = false;
  #flushDue = false;
  #goOnDue = false;
  #paused = false;
  /** What a receipt of DISCONNECT waits for, and that receipt. */
  #outstanding = 0;
  #farewell: string | undefined;
  /** Receipts that wait for the end of a large message. */
  #receiptsDue: string[] = [];
  /** Somebody found the output full: told when it is empty. */
  #waits = false;

  constructor(
    private readonly stream: ByteStream,
    private readonly port: EdgePort,
    private readonly options: StompEdgeOptions,
    private readonly subprotocol: string | null,
  ) {
    const { addresses, budget, deadlines, messageBytesMax } = options;
    this.addresses = addresses;
    this.budget = budget;
    this.deadlines = deadlines;
    this.messageBytesMax = messageBytesMax;
    this.counters = port.counters;
    this.#reader = new FrameReader(this, messageBytesMax);
    this.#pulse = new Pulse(deadlines.now, this);
    deadlines.add(this.#pulse);
    stream.begin(this);
  }

  // --- input ---------------------------------------------------------------------------------------------------------------

  read(chunk: Buffer): void {
    this.#reading(() => this.#reader.read(chunk));
  }

  /** A frame that was not admitted is asked for again, when this turn is over: whoever says so is in the midst of something. */
  goOn(): void {
    if (this.#goOnDue) return;
    this.#goOnDue = true;
    setImmediate(() => {
      this.#goOnDue = false;
      this.#reading(() => this.#reader.goOn());
    });
  }

  #reading(read: () => void): void {
    if (this.#state === 'over' || this.#state === 'leaving') return;
    try {
      read();
      this.#pulse.onRead(this.#reader.within, this.#reader.progress);
      this.#pauseOrResume();
    } catch (error) {
      if (!(error instanceof FairleadError)) throw error;
      this.fail(error, this.#reader.head.get('receipt'));
    }
  }

  /** The client is held up by its own transport while a frame of it is not wanted. */
  #pauseOrResume(): void {
    const pause = this.#reader.stopped || this.#work?.sends.held === true;
    if (pause === this.#paused) return;
    this.#paused = pause;
    this.#pulse.pause(pause);
    if (pause) this.stream.pause();
    else this.stream.resume();
  }

  admits(head: FrameHead): boolean {
    if (this.#state !== 'new' && this.#state !== 'connected') return false;
    if (this.full || this.#receiptsDue.length >= RECEIPTS_DUE_MAX) {
      this.#waits = true;
      return false;
    }
    return head.command !== 'SEND' || this.#work === null || this.#work.sends.ready;
  }

  onFrame(head: FrameHead, bytes: Buffer, start: number, end: number): void {
    if (head.command === 'CONNECT' || head.command === 'STOMP') this.#connect(head);
    else if (head.command === 'DISCONNECT') this.#disconnect(head);
    else this.#working(head).onFrame(head, bytes, start, end);
  }

  onBody(head: FrameHead, length: number): void {
    this.#working(head).sends.begin(head, length);
  }

  onPart(bytes: Buffer, start: number, end: number): void {
    this.#work?.sends.part(bytes, start, end);
  }

  onBodyEnd(): void {
    this.#work?.sends.end();
  }

  #working({ command }: FrameHead): Work {
    if (this.#work === null) throw new StompError('FL_STOMP_ORDER', `${command} before CONNECT`);
    if (this.#draining && command === 'SUBSCRIBE') throw shuttingDown();
    return this.#work;
  }

  // --- the beginning and the end -------------------------------------------------------------------------------------------

  #connect(head: FrameHead): void {
    if (this.#state !== 'new') throw new StompError('FL_STOMP_ORDER', 'CONNECT for the second time');
    if (this.#draining) throw shuttingDown();
    const agreement = agreed(head, this.subprotocol);
    this.version = this.#reader.version = agreement.version;
    this.writer = new MessageWriter(agreement.version);
    this.clientId = agreement.clientId;
    this.#state = 'connected';
    this.output.command('CONNECTED').plain('version', agreement.version).plain('session', this.client);
    this.output.plain('server', this.options.server);
    if (agreement.version !== '1.0') this.output.plain('heart-beat', HEART_BEAT);
    this.output.endHead().endFrame();
    this.wrote();
    this.#pulse.onConnected(agreement);
    this.#work = new Work(this);
  }

  #disconnect(head: FrameHead): void {
    const receipt = head.id('receipt');
    if (this.#state === 'new') throw new StompError('FL_STOMP_ORDER', 'DISCONNECT before CONNECT');
    this.#state = 'leaving';
    this.#farewell = receipt;
    this.#leaveWhenDone();
  }

  begun(): void {
    this.#outstanding++;
  }

  finished(): void {
    this.#outstanding--;
    this.#leaveWhenDone();
  }

  #leaveWhenDone(): void {
    if (this.#state !== 'leaving' || this.#outstanding > 0) return;
    this.receipt(this.#farewell);
    this.#end(false);
  }

  /** The output has all that is to be said. */
  #end(failed: boolean): void {
    this.#state = 'over';
    this.flush();
    this.stream.end();
    this.#release(failed);
  }

  #release(failed: boolean): void {
    this.deadlines.remove(this.#pulse);
    this.#work?.end(failed);
    this.#work = null;
  }

  fail(error: FairleadError, receipt?: string): void {
    if (this.#state === 'over') return;
    const { condition = error.code, message } = error;
    const peer = { peer: this.clientId ?? '', from: this.stream.remoteAddress };
    this.port.errors.protocolError('protocol-error', { condition, description: message, scope: 'connection' }, peer);
    this.#tellError(`${error.code}: ${message}`, receipt);
    this.#end(true);
  }

  #tellError(message: string, receipt: string | undefined): void {
    const { output, version } = this;
    // Within a body that goes out in parts there is no place for it.
    if (this.#work?.large.busy === true) return;
    const [short = ''] = message.split('\n');
    output.command('ERROR').header('message', short, version);
    if (receipt !== undefined) output.header('receipt-id', receipt, version);
    if (message.startsWith('FL_STOMP_VERSION')) output.plain('version', '1.0,1.1,1.2');
    const text = `${message}\n`;
    output.plain('content-type', 'text/plain').plain('content-length', String(Buffer.byteLength(text)));
    output.endHead().text(text).endFrame();
  }

  onLate(error: StompError): void {
    this.fail(error);
  }

  closed(): void {
    const before = this.#state;
    this.#state = 'over';
    if (before !== 'over') this.#release(true);
    this.port.closed(this);
  }

  drain(): void {
    this.#draining = true;
  }

  shutdown(): void {
    this.#draining = true;
    if (this.#state === 'over') return;
    this.#tellError(`${shuttingDown().code}: ${shuttingDown().message}`, undefined);
    this.#end(false);
  }

  // --- output --------------------------------------------------------------------------------------------------------------

  /** The client has not read what it was sent. */
  get full(): boolean {
    return this.stream.unwrittenBytes + this.output.pending >= OUTPUT_BYTES_MAX;
  }

  canWrite(): boolean {
    if (this.#state !== 'connected' || this.#work?.large.busy === true) return false;
    if (!this.full) return true;
    this.#waits = true;
    return false;
  }

  wrote(): void {
    if (this.#flushDue) return;
    this.#flushDue = true;
    this.options.queue.schedule(this);
  }

  flush(): void {
    this.#flushDue = false;
    const buffers = this.output.take();
    if (buffers.length === 0) return;
    this.stream.write(buffers);
    this.#pulse.onWritten();
  }

  written(): void {
    this.output.release();
    this.#work?.large.goOn();
    if (!this.#waits) return;
    this.#waits = false;
    this.#work?.subscriptions.pump();
    this.goOn();
  }

  receipt(id: string | undefined): void {
    if (id === undefined || this.#state === 'over') return;
    if (this.#work?.large.busy === true) {
      this.#receiptsDue.push(id);
      return;
    }
    this.output.command('RECEIPT').header('receipt-id', id, this.version).endHead().endFrame();
    this.wrote();
  }

  onLargeEnd(): void {
    for (const id of this.#receiptsDue.splice(0)) this.receipt(id);
    this.#waits = true;
    this.finished();
  }

  onBeat(): void {
    if (this.#work?.large.busy === true) return;
    this.output.endOfLine();
    this.wrote();
  }
}

function shuttingDown(): StompError {
  return new StompError('FL_STOMP_SHUTDOWN', 'the node is shutting down: connect to another one');
}
