import type { Socket } from 'node:net';
import type { FairleadError } from '../../common/errors';
import type { ListenerCounters } from '../edge/listener-counters';
import { ReplyBox } from './consume/reply-box';
import { HttpError } from './errors';
import type { Exchange } from './exchange';
import type { HttpEdgeOptions } from './http-options';
import { PIPELINE_MAX, PUBLISHERS_MAX } from './limits';
import { AddressPublisher } from './publish/address-publisher';

interface Waiting {
  readonly exchange: Exchange;
  /** Why it is not served. */
  readonly refusal: FairleadError | null;
}

/** One client's connection: its requests, one after the other, and what it publishes by. */
export class HttpClient {
  /** For health and management. */
  readonly name: string;
  /** By the address as the client writes it, that used last at the end. */
  readonly #publishers = new Map<string, AddressPublisher>();
  readonly #waiting: Waiting[] = [];
  #current: Exchange | null = null;
  #replies: ReplyBox | null = null;
  #closed = false;
  /** It is a WebSocket's, and another protocol's to end. */
  upgraded = false;

  constructor(
    private readonly socket: Socket,
    private readonly options: HttpEdgeOptions,
    /** Of its listener. */
    readonly counters: ListenerCounters,
    private readonly serve: (exchange: Exchange, client: HttpClient) => void,
  ) {
    this.name = `http:${socket.remoteAddress ?? ''}:${socket.remotePort ?? ''}`;
  }

  /** The request that is served. */
  get current(): Exchange | null {
    return this.#current;
  }

  /** Takes a request: it is served when all before it are answered, as HTTP/1.1 answers in order. */
  take(exchange: Exchange, refusal: FairleadError | null): void {
    if (this.#waiting.length >= PIPELINE_MAX) {
      this.socket.destroy();
      return;
    }
    this.#waiting.push({ exchange, refusal });
    if (this.#current === null) this.#next();
  }

  #next(): void {
    const next = this.#waiting.shift();
    this.#current = next?.exchange ?? null;
    if (next === undefined || this.#closed) return;
    const { exchange, refusal } = next;
    exchange.response.on('close', () => this.#next());
    if (refusal === null) this.serve(exchange, this);
    else exchange.problem(refusal);
  }

  /** @throws FairleadError when the address cannot be used, or the node has too many links */
  publisher(address: string): AddressPublisher {
    const known = this.#publishers.get(address);
    this.#publishers.delete(address);
    if (known?.isGone === false) {
      this.#publishers.set(address, known);
      return known;
    }
    const { budget } = this.options;
    if (budget.links >= budget.linksMax)
      throw new HttpError('FL_HTTP_BUSY', `more than ${budget.linksMax} links of clients`);
    const [oldest] = this.#publishers.keys();
    if (oldest !== undefined && this.#publishers.size >= PUBLISHERS_MAX) this.#close(oldest);
    const publisher = new AddressPublisher(this.options, address, this.name);
    this.#publishers.set(address, publisher);
    return publisher;
  }

  /** Where replies to its requests come in. @throws FairleadError */
  replies(): ReplyBox {
    if (this.#replies?.isUsedUp === false) return this.#replies;
    this.#replies?.close();
    this.#replies = new ReplyBox(this.options, this.name, this.counters);
    return this.#replies;
  }

  #close(address: string): void {
    this.#publishers.get(address)?.close();
    this.#publishers.delete(address);
  }

  /** The node ends. */
  shutdown(): void {
    if (this.upgraded) return;
    const current = this.#current;
    if (current?.onEnd) current.onEnd();
    else current?.problem(new HttpError('FL_HTTP_DRAINING', 'the node is shutting down'));
    this.socket.end();
  }

  /** The connection is over. */
  closed(): void {
    this.#closed = true;
    this.#replies?.close();
    for (const address of [...this.#publishers.keys()]) this.#close(address);
  }
}
