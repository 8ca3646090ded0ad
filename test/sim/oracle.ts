import type { DropReason } from '../../src/streams/contract';
import type { ConsumerRecord, PublisherRecord, SentMessage } from './ledger';

/** Where a node counts what it gave up: its name, one life of it, and the reason. */
export type Account = string;

export function accountOf(node: string, life: number, reason: DropReason): Account {
  return `${reason} at ${node}, life ${life}`;
}

/** Reasons whose counts are judged: those of messages that somebody was owed. */
export const JUDGED_REASONS: readonly DropReason[] = [
  'unreachable',
  'peerRestarted',
  'dropOldest',
  'consumerDisconnected',
];

/** Why a delivery that was owed may neither have come nor have been counted. */
export const CAUSES = {
  twin: "another process bore the name of the consumer's node",
  cutOff: "the publisher's node was cut off from the consumer's when that one subscribed, or was born so",
  publisherDied: "the publisher's node died before it could count it",
  consumerDied: "the consumer's node died, and may have had it",
  consumerLeft: 'the consumer left while it was on its way',
} as const;
export type Cause = keyof typeof CAUSES;

/** What does not come is in one of these accounts; where there is none it has to come. */
export interface Owed {
  /** Of the publisher's node, which counts once for all consumers of a node. */
  readonly lost: readonly Account[];
  /** Of the consumer's node, which counts for each. */
  readonly dropped: readonly Account[];
}

/** What became of a message that did not come: it is in an account; nobody had to count it; or it was not owed (null). */
export type Missed = Owed | { readonly cause: Cause } | null;

/** What the checker asks about the run. */
export interface Oracle {
  /**
   * Judges a message that a consumer did not get.
   * @param passed a younger message of that publisher came, so that it is not merely late
   */
  missed(publisher: PublisherRecord, message: SentMessage, consumer: ConsumerRecord, passed: boolean): Missed;
  /**
   * Accounts of the publisher's node that may have the message as lost to a node.
   * @param consumers all that ever wanted it there
   * @param doneAt when all was done there that the origin waits for, which it need not have learnt; null when it was not
   */
  mayLose(
    publisher: PublisherRecord,
    message: SentMessage,
    consumers: readonly ConsumerRecord[],
    doneAt: number | null,
  ): readonly Account[];
  /** Accounts of the consumer's node that may have a message that it did not get. */
  mayDrop(message: SentMessage, consumer: ConsumerRecord, passed: boolean): readonly Account[];
}
