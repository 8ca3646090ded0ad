import type { Gap } from '../../../addresses/contract';
import type { FairleadError } from '../../../common/errors';
import type { LargeBody } from '../../../streams/contract';
import type { Flushable, FlushQueue } from '../../../transport/flush-queue';
import type { Deadline } from '../../edge/deadlines';
import type { Exchange } from '../exchange';
import { EVENTS_UNWRITTEN_BYTES_MAX, KEEP_EVENTS_MS } from '../limits';
import { problemOf } from '../problem';
import type { EventTexts } from './event-texts';
import { LargeRendering } from './large-rendering';

const BASE64_UNIT = 3;

/** The answer that does not end: server-sent events (WHATWG HTML, 9.2), gathered in a turn and written at once. */
export class EventStream implements Flushable, Deadline {
  dueAtMs = Number.POSITIVE_INFINITY;
  #gathered: string[] = [];
  #gatheredBytes = 0;
  #scheduled = false;
  #open = false;
  #ended = false;
  #large: { readonly rendering: LargeRendering; readonly body: LargeBody; rest: Buffer } | null = null;

  /** @param onWritable there is room again */
  constructor(
    private readonly exchange: Exchange,
    private readonly queue: FlushQueue,
    private readonly texts: EventTexts,
    private readonly onWritable: () => void,
  ) {}

  /** Whether an event may be added now. */
  get ready(): boolean {
    return this.#open && !this.#ended && this.#large === null && this.#unwritten() < EVENTS_UNWRITTEN_BYTES_MAX;
  }

  get ended(): boolean {
    return this.#ended;
  }

  #unwritten(): number {
    return this.#gatheredBytes + this.exchange.response.writableLength;
  }

  /** The answer begins: from now on nothing is missed. */
  open(headers: Readonly<Record<string, string>> = {}): void {
    const { exchange } = this;
    if (this.#open || exchange.over) return;
    this.#open = true;
    const own = { ...headers, 'content-type': 'text/event-stream', 'x-accel-buffering': 'no' };
    exchange.response.writeHead(200, exchange.headers(own));
    exchange.response.on('drain', this.#onDrain);
    this.#add('retry: 1000\n\n');
    exchange.deadlines.add(this);
  }

  readonly #onDrain = (): void => {
    this.#goOn();
    if (this.ready) this.onWritable();
  };

  /** @param id that the client comes back with; null for none */
  message(id: string | null, address: string, payload: Buffer, start: number, end: number): void {
    this.#add(`${idLine(id)}data: ${this.texts.of(address, payload, start, end)}\n\n`);
    this.exchange.counters.messagesOut++;
  }

  /** A large message, as it leaves; its bytes are base64. */
  large(id: string | null, address: string, body: LargeBody): void {
    body.retain();
    this.exchange.counters.messagesOut++;
    const rendering = new LargeRendering(body);
    const head = `"address":${JSON.stringify(address)},"headers":${JSON.stringify(rendering.headers)}`;
    this.#add(`${idLine(id)}data: {${head},"data_base64":"`);
    this.#large = { rendering, body, rest: Buffer.alloc(0) };
    this.#goOn();
  }

  #goOn(): void {
    const large = this.#large;
    if (large === null) return;
    while (this.#unwritten() < EVENTS_UNWRITTEN_BYTES_MAX) {
      const part = large.rendering.next();
      const bytes = part === null ? large.rest : Buffer.concat([large.rest, part]);
      const whole = part === null ? bytes.length : bytes.length - (bytes.length % BASE64_UNIT);
      large.rest = bytes.subarray(whole);
      this.#add(bytes.toString('base64', 0, whole));
      if (part !== null) continue;
      this.#add('"}\n\n');
      this.#dropLarge();
      return;
    }
  }

  #dropLarge(): void {
    this.#large?.body.release();
    this.#large = null;
  }

  gap(gap: Gap): void {
    this.#add(`event: gap\ndata: ${JSON.stringify(Object.fromEntries(gap))}\n\n`);
  }

  /** Ends it; an error is told as the last event. */
  end(error: FairleadError | null): void {
    if (this.#ended) return;
    if (!this.#open) {
      this.close();
      if (error !== null) this.exchange.problem(error);
      return;
    }
    // Within a large event nothing else can be said.
    if (error !== null && this.#large === null)
      this.#add(`event: error\ndata: ${JSON.stringify(problemOf(error))}\n\n`);
    this.flush();
    this.close();
    this.exchange.response.end();
  }

  /** The client has gone, or is told nothing more. */
  close(): void {
    this.#ended = true;
    this.#gathered = [];
    this.#dropLarge();
    this.exchange.deadlines.remove(this);
  }

  #add(text: string): void {
    if (this.#ended) return;
    this.#gathered.push(text);
    this.#gatheredBytes += text.length;
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.queue.schedule(this);
  }

  flush(): void {
    this.#scheduled = false;
    const text = this.#gathered.join('');
    this.#gathered = [];
    this.#gatheredBytes = 0;
    if (this.#ended || text === '') return;
    this.dueAtMs = this.exchange.deadlines.now() + KEEP_EVENTS_MS;
    if (this.exchange.response.write(text)) return;
    // What was taken meanwhile goes on by `drain`.
  }

  /** Nothing was said for a while: proxies and browsers are told that it goes on. */
  onDue(): void {
    this.dueAtMs = this.exchange.deadlines.now() + KEEP_EVENTS_MS;
    if (this.#large === null && this.#unwritten() === 0) this.#add(': \n\n');
  }
}

function idLine(id: string | null): string {
  return id === null ? '' : `id: ${id}\n`;
}
