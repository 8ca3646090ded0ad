import { AmqpMap } from '../../amqp/codec/values';
import type { ClientSender } from '../../client/client-sender';
import { NotSentError } from '../../client/errors';
import { FairleadError } from '../../common/errors';
import { formatDuration } from '../../config/units';
import { encodeMessage } from '../../message/encode-message';
import { type MessageBody, dataBody, textBody } from '../../message/message';
import { EXIT } from '../exit-codes';
import type { CliIo } from '../io';
import { openClient } from '../open-client';
import { OutcomeTally } from '../outcome-tally';

export interface SendOptions {
  readonly url: string;
  readonly count: number;
  /** Messages per second; absent for as fast as the node takes them. */
  readonly rate?: number;
  readonly property: readonly (readonly [string, string])[];
  readonly durable?: boolean;
  /** The longest time without any progress. */
  readonly timeout: number;
}

/** Messages without an outcome at a time. */
const WINDOW = 1_000;

/** Who waits for credit is told why after so long: an anycast address that nobody consumes gives none, and a queue whose home is away. */
const TELL_MS = 2_000;
const LOOK_MS = 250;
const NO_CREDIT =
  'the node gives no credit: an anycast address has no consumer, a queue is full or its home away, or consumers do not keep up';

/** Nothing moved for too long. */
class StalledError extends FairleadError {
  constructor(address: string, sender: ClientSender, ms: number) {
    const why = sender.withoutCredit > 0 ? NO_CREDIT : 'the node has told no outcome';
    super('FL_CLIENT_STALLED', `nothing moved on ${address} for ${formatDuration(ms)}: ${why}`, { retryable: true });
  }
}

/** Publishes over AMQP. @returns 0 when every message was accepted, else 1 */
export async function send(
  address: string,
  body: string | undefined,
  options: SendOptions,
  io: CliIo,
): Promise<number> {
  const message = encodeMessage({
    ...(options.durable ? { header: { durable: true } } : {}),
    ...(options.property.length > 0 ? { applicationProperties: new AmqpMap(options.property) } : {}),
    body: body === '-' ? bodyOf(await io.readStdin()) : textBody(body ?? ''),
  });
  const client = await openClient(options.url);
  const interrupt = io.interrupted();
  const tally = new OutcomeTally(options.count, io);
  try {
    const sender = await client.sender(address);
    const refusal = sender.refusal(message);
    if (refusal) throw refusal;
    const run = new SendRun(sender, message, options, tally, io);
    const ending = await Promise.race([run.all(), run.stalled(address), interrupt.done]);
    run.stop();
    if (ending instanceof Error) throw ending;
  } finally {
    interrupt.disarm();
    await client.close();
    tally.print();
  }
  return tally.allAccepted ? EXIT.ok : EXIT.failed;
}

/** Text is sent as text, anything else as it is. */
function bodyOf(bytes: Buffer): MessageBody {
  const text = bytes.toString('utf8');
  return Buffer.from(text).equals(bytes) ? textBody(text) : dataBody(bytes);
}

/** Sends what is due, a window at a time. */
class SendRun {
  #stopped = false;
  #progressAt = performance.now();
  #timer: NodeJS.Timeout | null = null;

  constructor(
    private readonly sender: ClientSender,
    private readonly message: Buffer,
    private readonly options: Pick<SendOptions, 'count' | 'rate' | 'timeout'>,
    private readonly tally: OutcomeTally,
    private readonly io: Pick<CliIo, 'err'>,
  ) {}

  async all(): Promise<void> {
    const { count, rate } = this.options;
    const inFlight: Promise<void>[] = [];
    const begun = performance.now();
    for (let n = 0; n < count && !this.#stopped; n++) {
      await inFlight[n % WINDOW];
      if (rate !== undefined) await this.#pause(begun + (n * 1000) / rate - performance.now());
      inFlight[n % WINDOW] = this.#one(n);
    }
    await Promise.all(inFlight);
  }

  /** Resolves with an error when nothing has moved for the time-out; before, tells once that there is no credit. */
  stalled(address: string): Promise<StalledError> {
    const { timeout } = this.options;
    let told = false;
    return new Promise((resolve) => {
      const look = (): void => {
        if (this.sender.pending === 0) this.#progressAt = performance.now();
        const still = performance.now() - this.#progressAt;
        // Told first even when a busy machine comes late: what is due within the time-out is never left out.
        if (!told && timeout > TELL_MS && still >= TELL_MS && this.sender.withoutCredit > 0) {
          told = true;
          this.io.err(`${address}: ${NO_CREDIT}; waiting for up to ${formatDuration(timeout)} (--timeout)`);
        }
        if (still >= timeout) return resolve(new StalledError(address, this.sender, timeout));
        // Before it is told, looks come often enough to tell it in time.
        this.#timer = setTimeout(look, Math.min(timeout - still, told ? Infinity : Math.max(TELL_MS - still, LOOK_MS)));
      };
      look();
    });
  }

  stop(): void {
    this.#stopped = true;
    if (this.#timer) clearTimeout(this.#timer);
  }

  async #one(n: number): Promise<void> {
    try {
      this.tally.add(n, await this.sender.send(this.message));
    } catch (error) {
      if (!(error instanceof NotSentError)) this.tally.unknown(n, error);
    }
    this.#progressAt = performance.now();
  }

  async #pause(ms: number): Promise<void> {
    if (ms > 0) await new Promise((resolve) => setTimeout(resolve, ms));
  }
}
