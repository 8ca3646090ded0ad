import { PUBLISH_FLAG } from '../../../addresses/contract';
import type { Exchange } from '../exchange';
import { durationOf, type Target } from '../target';
import { OUTCOME_MS } from '../limits';
import { HttpError } from '../errors';

/** What a request says of how its messages are published. */
export interface PublishWish {
  /** It is answered when the messages are published, whatever becomes of them. */
  readonly async: boolean;
  /** How long credit, and then outcomes, are waited for. */
  readonly waitMs: number;
  /** Names the request however often it is sent: queues with a window know its messages again. */
  readonly idempotencyKey: string | null;
}

/** Longest key: it becomes a message-id. */
const KEY_CHARS_MAX = 256;

/** @throws HttpError */
export function publishWish(exchange: Exchange, { query }: Target): PublishWish {
  const prefer = (exchange.header('prefer') ?? '').split(',').map((wish) => wish.trim().toLowerCase());
  return {
    async: prefer.includes('respond-async'),
    waitMs: durationOf(query, 'wait', OUTCOME_MS, OUTCOME_MS),
    idempotencyKey: keyOf(exchange.header('idempotency-key')),
  };
}

/** The draft of the header has a string in quotes; most clients send it without. */
function keyOf(text: string | null): string | null {
  if (text === null) return null;
  const key = /^"(.*)"$/.exec(text)?.[1] ?? text;
  if (key === '' || key.length > KEY_CHARS_MAX)
    throw new HttpError('FL_HTTP_REQUEST', `idempotency-key: expected 1 to ${KEY_CHARS_MAX} characters`);
  return key;
}

export function flagsOf(durable: boolean): number {
  return durable ? PUBLISH_FLAG.durable : 0;
}

/** A promise of an outcome, or the error that it is not known in time. */
export async function inTime<T>(exchange: Exchange, told: Promise<T>, withinMs: number): Promise<T> {
  const { deadlines } = exchange;
  return new Promise<T>((resolve, reject) => {
    const deadline = {
      dueAtMs: deadlines.now() + withinMs,
      onDue: (): void => {
        deadlines.remove(deadline);
        reject(new HttpError('FL_HTTP_OUTCOME', 'the outcome is not known yet: the message may be taken, or not'));
      },
    };
    deadlines.add(deadline);
    told.then(resolve, reject).finally(() => deadlines.remove(deadline));
  });
}
