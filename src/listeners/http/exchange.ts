import type { IncomingMessage, ServerResponse } from 'node:http';
import { FairleadError } from '../../common/errors';
import { PROBLEM_TYPE } from '../../common/problem';
import type { Deadline, Deadlines } from '../edge/deadlines';
import type { ListenerCounters } from '../edge/listener-counters';
import { UNREAD_BYTES_MAX, UNREAD_MS } from './limits';
import { corsHeaders } from './origin';
import { headersOf, problemOf } from './problem';

/** One request and its answer. */
export class Exchange {
  /** Told when the client has gone before it was answered. */
  onGone: (() => void) | null = null;
  /** Told when the node ends while the answer goes on; without it the request is refused. */
  onEnd: (() => void) | null = null;
  #continue: boolean;

  /**
   * @param origin that the answer is to be readable for
   * @param expects the client sends its body only when it is told to
   */
  constructor(
    readonly request: IncomingMessage,
    readonly response: ServerResponse,
    readonly deadlines: Deadlines,
    readonly client: string,
    readonly counters: ListenerCounters,
    readonly origin: string | null,
    expects: boolean,
  ) {
    this.#continue = expects;
    response.on('close', () => {
      if (!response.writableFinished) this.onGone?.();
    });
    response.on('error', () => undefined);
    request.on('error', () => undefined);
  }

  get over(): boolean {
    return this.response.destroyed || this.response.writableEnded;
  }

  /** The value of a header that may be there once. */
  header(name: string): string | null {
    const value = this.request.headers[name];
    return typeof value === 'string' ? value : null;
  }

  /** The body is wanted. */
  readBody(): void {
    if (!this.#continue) return;
    this.#continue = false;
    this.response.writeContinue();
  }

  json(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): void {
    this.answer(status, { ...headers, 'content-type': 'application/json' }, Buffer.from(`${JSON.stringify(body)}\n`));
  }

  /** Answers an error of ours; throws any other. */
  fail(error: unknown): void {
    if (!(error instanceof FairleadError)) throw error;
    this.problem(error);
  }

  problem(error: FairleadError): void {
    const problem = problemOf(error);
    const retry: Record<string, string> = problem.status === 503 ? { 'retry-after': '1' } : {};
    const body = Buffer.from(`${JSON.stringify(problem)}\n`);
    this.answer(problem.status, { ...retry, ...headersOf(error), 'content-type': PROBLEM_TYPE }, body);
  }

  answer(status: number, headers: Readonly<Record<string, string>>, body: Buffer | null): void {
    if (this.over || this.response.headersSent) return;
    if (!this.request.complete) this.#leaveUnread();
    const length = body === null ? {} : { 'content-length': String(body.length) };
    this.response.writeHead(status, { ...this.headers(headers), ...length });
    this.response.end(body ?? undefined);
  }

  /** Headers with those that every answer has. */
  headers(own: Readonly<Record<string, string>>): Record<string, string> {
    const cors = this.origin === null ? {} : corsHeaders(this.origin);
    return { ...own, ...cors, 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };
  }

  /** What is left of a body is read past for a while: a client that is cut while it sends may not see its answer. */
  #leaveUnread(): void {
    const { request, deadlines } = this;
    if (this.#continue) {
      // It was never asked for: nobody knows whether it comes.
      this.response.shouldKeepAlive = false;
      return;
    }
    let left = UNREAD_BYTES_MAX;
    const deadline: Deadline = {
      dueAtMs: deadlines.now() + UNREAD_MS,
      onDue: () => request.destroy(),
    };
    deadlines.add(deadline);
    request.on('close', () => deadlines.remove(deadline));
    request.on('data', (chunk: Buffer) => {
      left -= chunk.length;
      if (left < 0) request.destroy();
    });
    request.resume();
  }
}
