import { TOPIC_MARK } from '../queues/topic-head';

/** What stands between the parts of what precedes a topic: `node=clock!since+since,node=clock:topic`. */
const MARK = { topic: TOPIC_MARK, node: ',', clock: '=', without: '!', with: '+' } as const;
const PART = /^([0-9a-z]{1,11})((?:[!+][0-9a-z]{1,11})*)$/;
const EXCEPTION = /([!+])([0-9a-z]+)/g;

/** What is said of a message that is put to an intake. */
export interface PutHeading {
  readonly topic: string;
  /** It is for subscriptions that were there then, */
  readonly clock: number;
  /** but not for those that came there at these times, which live elsewhere, */
  readonly without: readonly number[];
  /** and for those that came there at these, though they have left: who said so did not know where to. */
  readonly with: readonly number[];
}

/** Says of a subscription, by when it came to a home, that a message is for it there, or is not. */
export function exceptionText(since: number, isFor: boolean): string {
  return (isFor ? MARK.with : MARK.without) + since.toString(36);
}

/** What a message is said to be for at one node. */
export function headingPart(node: string, clock: number, exceptions: string): string {
  return node + MARK.clock + clock.toString(36) + exceptions;
}

/** The same for all of them, as it precedes a message. */
export function headingText(parts: readonly string[], topic: string): string {
  return parts.join(MARK.node) + MARK.topic + topic;
}

/** Reads what a text of {@link headingText} says to a node; null when it says nothing to it. */
export function readHeading(text: string, node: string): PutHeading | null {
  const end = text.indexOf(MARK.topic);
  if (end < 0) return null;
  const mine = text
    .slice(0, end)
    .split(MARK.node)
    .find((part) => part.startsWith(node + MARK.clock));
  const [, clock, exceptions = ''] = PART.exec(mine?.slice(node.length + 1) ?? '') ?? [];
  if (clock === undefined) return null;
  const heading = {
    topic: text.slice(end + 1),
    clock: parseInt(clock, 36),
    without: [] as number[],
    with: [] as number[],
  };
  for (const [, mark, since = ''] of exceptions.matchAll(EXCEPTION))
    (mark === MARK.with ? heading.with : heading.without).push(parseInt(since, 36));
  return heading;
}
