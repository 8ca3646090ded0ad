import { CONDITION } from '../../amqp/constants';
import type { ClientConnection } from '../../client/client-connection';
import type { Delivery } from '../../client/client-receiver';
import { RefusedError } from '../../client/errors';
import { FairleadError } from '../../common/errors';
import { formatDuration } from '../../config/units';
import { EXIT } from '../exit-codes';
import type { CliIo } from '../io';
import { openClient } from '../open-client';
import { messageToJson, messageToLine } from '../../message/render-message';

export interface ReceiveOptions {
  readonly url: string;
  /** Ends after this many. */
  readonly count?: number;
  /** Ends after this long without a message. */
  readonly timeout?: number;
  readonly json?: boolean;
  /** Name of a durable subscription. */
  readonly durable?: string;
  /** Ends that subscription, and receives nothing. */
  readonly unsubscribe?: boolean;
}

/** The subscription of that name is another one. */
class OtherTopicError extends FairleadError {
  constructor(name: string, its: string, asked: string, cure = '') {
    super('FL_SUBSCRIPTION_OTHER', `subscription '${name}' is one to ${its}, not to ${asked}: it stays${cure}`);
  }
}

/**
 * Receives and accepts, one line each. What a durable subscription holds and was not accepted stays there.
 * @returns 0, or 1 when it ended before `count` messages came
 */
export async function receive(address: string, options: ReceiveOptions, io: CliIo): Promise<number> {
  const client = await openClient(options.url);
  const interrupt = io.interrupted();
  const reception = new Reception(options, io);
  try {
    client.onLost = (error) => reception.end(error);
    if (options.durable !== undefined) await refuseOther(client, options.durable, address);
    await client.receiver({
      address,
      ...(options.durable === undefined ? {} : { subscription: options.durable }),
      ...(options.count === undefined ? {} : { total: options.count }),
      onDelivery: (delivery) => reception.take(delivery),
      onLost: (error) => reception.end(error),
    });
    io.err(`receiving from ${address} at ${client.url}`);
    reception.wait();
    const ending = await Promise.race([reception.ended, interrupt.done]);
    if (ending instanceof Error) throw ending;
  } finally {
    reception.stop();
    interrupt.disarm();
    await client.close();
  }
  return reception.complete ? EXIT.ok : EXIT.failed;
}

const CURE = ', with what it holds; end it with --unsubscribe, or give the other one a name of its own';

/** To attach with another topic would make the subscription anew, and drop what it holds: seldom what a mistyped topic is meant to do. */
async function refuseOther(client: ClientConnection, name: string, address: string): Promise<void> {
  const subscription = await client.subscription(name).catch((error: unknown) => {
    if (error instanceof RefusedError && error.condition === CONDITION.notFound) return null;
    throw error;
  });
  const its = subscription?.address ?? address;
  await subscription?.leave();
  if (nameOf(its) !== nameOf(address)) throw new OtherTopicError(name, its, address, CURE);
}

/** Ends a durable subscription, with all that it holds. */
export async function unsubscribe(
  address: string,
  durable: string,
  { url }: ReceiveOptions,
  io: CliIo,
): Promise<number> {
  const client = await openClient(url);
  try {
    const subscription = await client.subscription(durable);
    const its = subscription.address ?? '';
    if (nameOf(its) !== nameOf(address)) throw new OtherTopicError(durable, its, address);
    await subscription.end();
    io.err(`subscription ${durable} to ${its} is ended`);
    return EXIT.ok;
  } finally {
    await client.close();
  }
}

/** Without the prefix of its kind, in either form. */
function nameOf(address: string): string {
  return address.replace(/^topic(?:\/|:\/\/)/, '');
}

/** What has come, and what is awaited. A message is accepted once it is written: a slow reader slows its sender down. */
class Reception {
  #taken = 0;
  #accepted = 0;
  #timer: NodeJS.Timeout | null = null;
  #end: (error: FairleadError | null) => void = () => undefined;
  /** Resolves with null when all that was asked for has come or the time is over, else with what went wrong. */
  readonly ended = new Promise<FairleadError | null>((resolve) => (this.#end = resolve));

  constructor(
    private readonly options: ReceiveOptions,
    private readonly io: CliIo,
  ) {}

  get complete(): boolean {
    return this.#accepted >= (this.options.count ?? 0);
  }

  take(delivery: Delivery): void {
    const { count, json } = this.options;
    if (count !== undefined && this.#taken >= count) return delivery.release();
    this.#taken++;
    this.io.out(json ? messageToJson(delivery.message) : messageToLine(delivery.message), () => {
      delivery.accept();
      this.#accepted++;
      if (this.#accepted === count) this.end(null);
      else this.wait();
    });
  }

  /** Begins the time-out, again after each message. */
  wait(): void {
    const { timeout, count } = this.options;
    if (timeout === undefined) return;
    this.stop();
    this.#timer = setTimeout(() => {
      if (!this.complete)
        this.io.err(`${this.#accepted} of ${count} messages came; then none for ${formatDuration(timeout)}`);
      this.end(null);
    }, timeout);
  }

  end(error: FairleadError | null): void {
    this.#end(error);
  }

  stop(): void {
    if (this.#timer) clearTimeout(this.#timer);
  }
}
