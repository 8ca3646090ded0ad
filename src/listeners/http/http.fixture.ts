import { EventEmitter } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { SILENT_JOURNAL } from '../../common/ports';
import { FlushQueue } from '../../transport/flush-queue';
import { FakeAddresses } from '../edge/addresses.fixture';
import { ClientBudget } from '../edge/client-budget';
import { Deadlines } from '../edge/deadlines';
import { ListenerCounters } from '../edge/listener-counters';
import type { ConsumeWish } from './consume/subscription-wish';
import { Exchange } from './exchange';
import type { HttpEdgeOptions } from './http-options';

/** To consume a topic plainly. */
export const TOPIC_WISH: ConsumeWish = {
  address: 'topic/a',
  kind: 'topic',
  selector: null,
  subscription: null,
  client: null,
  browse: false,
};

/** An answer whose client reads when the test says so. */
export class FakeResponse extends EventEmitter {
  writableLength = 0;
  status = 0;
  sent: Readonly<Record<string, string>> = {};
  text = '';
  headersSent = false;
  writableEnded = false;
  writableFinished = false;
  destroyed = false;
  shouldKeepAlive = true;

  writeHead(status: number, headers: Readonly<Record<string, string>> = {}): void {
    this.status = status;
    this.sent = headers;
    this.headersSent = true;
  }

  write(chunk: string | Buffer): boolean {
    this.text += chunk.toString();
    this.writableLength += chunk.length;
    return false;
  }

  end(chunk?: string | Buffer): void {
    if (chunk !== undefined) this.write(chunk);
    this.writableEnded = true;
  }

  /** All that was written is read; with it an answer that has ended is over. */
  read(): string {
    const { text } = this;
    this.text = '';
    this.writableLength = 0;
    if (!this.writableEnded) this.emit('drain');
    else if (!this.writableFinished) {
      this.writableFinished = true;
      this.emit('close');
    }
    return text;
  }

  /** Its connection is lost. */
  cut(): void {
    this.destroyed = true;
    this.emit('close');
  }

  /** Of a problem. */
  get code(): string {
    return (JSON.parse(this.text) as { code: string }).code;
  }
}

/** A request that was read to its end, and its answer. */
export interface Asked {
  readonly exchange: Exchange;
  readonly response: FakeResponse;
}

/** A node's HTTP without a node. */
export class HttpNode {
  nowMs = 0;
  readonly addresses = new FakeAddresses();
  readonly budget = new ClientBudget(100);
  readonly counters = new ListenerCounters();
  readonly deadlines = new Deadlines(() => this.nowMs);
  readonly queue = new FlushQueue(() => undefined);
  readonly options: HttpEdgeOptions = {
    addresses: this.addresses,
    protocols: [],
    budget: this.budget,
    queue: this.queue,
    deadlines: this.deadlines,
    journal: SILENT_JOURNAL,
    messageBytesMax: 1_000_000,
  };

  ask(headers: Readonly<Record<string, string>> = {}): Asked {
    const response = new FakeResponse();
    const request = Object.assign(new EventEmitter(), { headers, complete: true }) as unknown as IncomingMessage;
    const answer = response as unknown as ServerResponse;
    const exchange = new Exchange(request, answer, this.deadlines, 'client', this.counters, null, false);
    return { exchange, response };
  }

  /** The end of a turn. */
  turn(): void {
    this.queue.flush();
  }

  /** Time goes on. */
  pass(ms: number): void {
    this.nowMs += ms;
    this.deadlines.look();
    this.turn();
  }
}
