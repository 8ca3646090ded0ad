import { AmqpMap } from '../amqp/codec/values';
import type { SeededRandom } from '../common/ports';
import { largeOf, messageOf, routed } from './queues.fixture';
import type { Known, TrialOptions } from './trial-client.fixture';
import type { TrialModel } from './trial-model.fixture';

export const QUEUES = ['one', 'two'] as const;
/** What is put into the intake goes to some of these, as its topic says. */
const SUBSCRIPTIONS = ['s1', 's2', 's3'] as const;
export const ALL = [...QUEUES, ...SUBSCRIPTIONS];
const SENDERS = 3;

/** A message for some subscriptions. */
export interface RoutedMessage {
  readonly knowns: readonly Known[];
  readonly sender: number;
  readonly bytes: Buffer;
  readonly isLarge: boolean;
}

/** Messages of the trial, as the dice say. */
export class TrialMessages {
  constructor(
    private readonly random: SeededRandom,
    private readonly model: TrialModel,
    private readonly options: TrialOptions,
  ) {}

  make(queue: string): Known {
    return this.model.make(queue, this.model.nextOrder(), this.#sender(), this.#priority(), false);
  }

  /** Null where the dice name no subscription. */
  routed(): RoutedMessage | null {
    const names = SUBSCRIPTIONS.filter(() => this.random.chance(0.7));
    if (names.length === 0) return null;
    const order = this.model.nextOrder();
    const [sender, priority] = [this.#sender(), this.#priority()];
    const knowns = names.map((name) => this.model.make(name, order, sender, priority, true));
    const [first] = knowns as [Known];
    const isLarge = this.isLarge;
    const message = isLarge ? this.encodeLarge(first) : this.encode(first, this.random.below(600));
    return { knowns, sender, isLarge, bytes: routed(names.join('.'), message) };
  }

  get isLarge(): boolean {
    return this.options.large && this.random.chance(0.2);
  }

  encode({ order, priority }: Known, padding = 0): Buffer {
    return messageOf(`m${order}`, {
      header: { durable: true, priority },
      application: new AmqpMap([
        ['colour', order % 3 === 0 ? 'red' : 'blue'],
        ['padding', '-'.repeat(padding)],
      ]),
    });
  }

  encodeLarge({ order, priority }: Known): Buffer {
    const bytes = 40_000 + this.random.below(100_000);
    return largeOf('x', bytes, { header: { priority }, properties: { subject: `m${order}` } }).bytes;
  }

  #sender(): number {
    return 1 + this.random.below(SENDERS);
  }

  #priority(): number {
    return this.random.chance(0.2) ? 7 : 4;
  }
}
