import { FairleadError } from '../../common/errors';
import { EventStreams } from './consume/event-streams';
import { NextMessage } from './consume/next-message';
import { Receivers, type Verb } from './consume/receivers';
import { consumeWish } from './consume/subscription-wish';
import { HttpError } from './errors';
import type { Exchange } from './exchange';
import type { HttpClient } from './http-client';
import type { HttpEdgeOptions } from './http-options';
import { OUTCOME_MS, RECEIVE_MS, WAIT_MS_MAX } from './limits';
import { openApiDocument } from './openapi';
import { preflightHeaders } from './origin';
import { isBatch, PublishBatch } from './publish/publish-batch';
import { PublishOne } from './publish/publish-one';
import { publishWish } from './publish/publish-request';
import { durationOf, targetOf, type Target } from './target';

const EVENT_STREAM = /\btext\/event-stream\b/;
const VERBS: Readonly<Record<string, Verb>> = { release: 'release', reject: 'reject', renew: 'renew' };

/** What requests ask, and who answers them. One for all listeners of a node. */
export class HttpService {
  readonly #streams: EventStreams;
  readonly #receivers: Receivers;

  constructor(private readonly options: HttpEdgeOptions) {
    this.#streams = new EventStreams(options);
    this.#receivers = new Receivers(options);
  }

  /** Answers a request, whatever happens. */
  readonly serve = (exchange: Exchange, client: HttpClient): void => {
    this.#route(exchange, client).catch((error: unknown) => {
      if (error instanceof FairleadError) exchange.problem(error);
      else this.#failed(exchange, error);
    });
  };

  #failed(exchange: Exchange, error: unknown): void {
    const why = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.options.journal.warn('http-request-failed', { why });
    exchange.problem(new FairleadError('FL_INTERNAL', 'an error of this node: its log has the details'));
  }

  /** @throws FairleadError */
  async #route(exchange: Exchange, client: HttpClient): Promise<void> {
    const { url = '', method } = exchange.request;
    const target = targetOf(url);
    if (method === 'OPTIONS') answerPreflight(exchange);
    else if (target !== null && target.address !== '') await this.#ofAddress(exchange, client, target);
    else if (url !== '/v1/openapi.json') throw notThere(exchange);
    else if (method === 'GET') exchange.json(200, openApiDocument());
    else throw badMethod('GET');
  }

  async #ofAddress(exchange: Exchange, client: HttpClient, target: Target): Promise<void> {
    const { method } = exchange.request;
    const [what, token, verb, more] = target.rest;
    if (what === undefined) await this.#ofAddressItself(exchange, client, target);
    else if (what === 'deliveries' && token !== undefined && more === undefined)
      this.#settle(exchange, target, token, verb);
    else if (token !== undefined) throw notThere(exchange);
    else if (what !== 'receive' && what !== 'request') throw notThere(exchange);
    else if (method !== 'POST') throw badMethod('POST');
    else if (what === 'receive') this.#receivers.receive(exchange, target);
    else await this.#request(exchange, client, target);
  }

  async #ofAddressItself(exchange: Exchange, client: HttpClient, target: Target): Promise<void> {
    switch (exchange.request.method) {
      case 'POST':
        await this.#publish(exchange, client, target);
        return;
      case 'GET':
        this.#consume(exchange, target);
        return;
      case 'DELETE':
        this.#unsubscribe(exchange, target);
        return;
      default:
        throw badMethod('GET, POST, DELETE');
    }
  }

  #publish(exchange: Exchange, client: HttpClient, target: Target): Promise<void> {
    const wish = publishWish(exchange, target);
    const { address } = target;
    if (isBatch(exchange.request.headers['content-type']))
      return new PublishBatch(exchange, client, address, wish).run();
    return new PublishOne(exchange, client, address, wish, this.options.messageBytesMax).run();
  }

  /** By an event stream, or with the next message alone. */
  #consume(exchange: Exchange, target: Target): void {
    if (EVENT_STREAM.test(exchange.header('accept') ?? '')) {
      this.#streams.open(exchange, target);
      return;
    }
    const wish = consumeWish(this.options.addresses, target);
    if (wish.kind === 'queue' || wish.subscription !== null)
      throw new HttpError('FL_HTTP_REQUEST', 'what is kept is received by POST …/receive, or as text/event-stream');
    NextMessage.open(exchange, this.options, wish, durationOf(target.query, 'wait', RECEIVE_MS, WAIT_MS_MAX));
  }

  #unsubscribe(exchange: Exchange, { query }: Target): void {
    const name = query.get('durable');
    if (name === null) throw new HttpError('FL_HTTP_REQUEST', 'durable: expected, the subscription that is to end');
    this.options.addresses.unsubscribe({ name, client: query.get('client') }, (error) => {
      if (error === null) exchange.answer(204, {}, null);
      else exchange.problem(error);
    });
  }

  #settle(exchange: Exchange, target: Target, token: string, verb: string | undefined): void {
    const expected = verb === undefined ? 'DELETE' : 'POST';
    const found = verb === undefined ? 'accept' : VERBS[verb];
    if (found === undefined) throw notThere(exchange);
    if (exchange.request.method !== expected) throw badMethod(expected);
    this.#receivers.settle(exchange, target, token, found);
  }

  async #request(exchange: Exchange, client: HttpClient, target: Target): Promise<void> {
    const { messageBytesMax } = this.options;
    const withinMs = durationOf(target.query, 'timeout', OUTCOME_MS, WAIT_MS_MAX);
    const wish = { ...publishWish(exchange, target), async: false };
    const box = client.replies();
    const more = box.ask(exchange, exchange.header('fairlead-correlation-id'), withinMs);
    try {
      await new PublishOne(exchange, client, target.address, wish, messageBytesMax, more).accepted();
    } catch (error) {
      box.giveUp(exchange);
      throw error;
    }
  }
}

/** A browser asks what a page of another origin may send; others are told nothing that they could not know. */
function answerPreflight(exchange: Exchange): void {
  const asked = exchange.header('access-control-request-headers');
  exchange.answer(204, exchange.origin === null ? {} : preflightHeaders(exchange.origin, asked), null);
}

function notThere({ request }: Exchange): HttpError {
  return new HttpError(
    'FL_HTTP_PATH',
    `nothing is at ${JSON.stringify(request.url)}: /v1/openapi.json tells what there is`,
  );
}

function badMethod(allowed: string): HttpError {
  return new HttpError('FL_HTTP_METHOD', `expected ${allowed}`, { allow: allowed });
}
