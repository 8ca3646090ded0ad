import { ArrivalJudge, Seen, type ArrivalFault } from './arrivals';
import type { Ledger, Receiver, Sent } from './ledger';

/** A guarantee that a ledger shows to be broken. */
export interface Violation {
  readonly kind: ArrivalFault | 'lost' | 'unanswered';
  readonly receiver: string | null;
  readonly sender: string;
  readonly seq: number;
}

export interface CheckOptions {
  /**
   * Messages that the mesh itself reported as dropped, with a reason, while a destination was away for longer than the
   * hold: so many may be missing, and not one more.
   */
  readonly countedDrops?: number;
  /** A client or node at an end died: what was unsettled may come again, marked as redelivered (G3). */
  readonly redeliveries?: boolean;
}

/**
 * Judges a ledger after the faults have healed and the mesh has drained: no accepted message is lost (G1), what arrived was
 * sent (G2), nothing came twice (G3), each sender's messages of one address came in order (G4), every message has an answer
 * (G5), every receiver that was there throughout has them all (G6). Messages whose answer is unknown may arrive or not.
 */
export function check(ledger: Ledger, options: CheckOptions = {}): Violation[] {
  const found: Violation[] = [];
  const shared = new Seen<string>();
  for (const receiver of ledger.receivers) {
    const seen = checkArrivals(ledger, receiver, shared, options, found);
    if (receiver.claim === 'each') checkCoverage(ledger, receiver, seen, found);
  }
  checkShared(ledger, shared, found);
  checkAnswers(ledger, found);
  return forgive(found, options.countedDrops ?? 0);
}

function checkArrivals(
  ledger: Ledger,
  receiver: Receiver,
  shared: Seen<string>,
  { redeliveries = false }: CheckOptions,
  found: Violation[],
): Seen<string> {
  const { name, claim, arrivals, wants } = receiver;
  const judge = new ArrivalJudge<string>(name, {
    ordered: true,
    redeliveries,
    shared: claim === 'share' ? shared : null,
  });
  for (const arrival of arrivals) {
    const { sender, seq } = arrival;
    const sent = ledger.senders.get(sender)?.[seq];
    const meant = sent !== undefined && wants(sent.address) ? sent : undefined;
    judge.take(arrival, meant, (kind) => found.push({ kind, receiver: name, sender, seq }));
  }
  return judge.seen;
}

/** A receiver that left has all up to the last one it got, without a hole. */
function checkCoverage(ledger: Ledger, receiver: Receiver, seen: Seen<string>, found: Violation[]): void {
  for (const [sender, all] of ledger.senders) {
    const end = receiver.present ? all.length : seen.last(sender) + 1;
    for (let seq = receiver.since.get(sender) ?? 0; seq < end; seq++) {
      const { address, answer } = all[seq] as Sent;
      if (answer !== 'accepted' || !receiver.wants(address) || seen.has(sender, seq)) continue;
      found.push({ kind: 'lost', receiver: receiver.name, sender, seq });
    }
  }
}

/** Of an address that receivers share each accepted message is at one of them. */
function checkShared(ledger: Ledger, seen: Seen<string>, found: Violation[]): void {
  const sharing = ledger.receivers.filter(({ claim }) => claim === 'share');
  if (sharing.length === 0) return;
  for (const all of ledger.senders.values())
    for (const { sender, seq, address, answer } of all)
      if (answer === 'accepted' && !seen.has(sender, seq) && sharing.some(({ wants }) => wants(address)))
        found.push({ kind: 'lost', receiver: null, sender, seq });
}

function checkAnswers(ledger: Ledger, found: Violation[]): void {
  for (const all of ledger.senders.values())
    for (const { sender, seq, answer } of all)
      if (answer === 'pending') found.push({ kind: 'unanswered', receiver: null, sender, seq });
}

function forgive(found: readonly Violation[], drops: number): Violation[] {
  let left = drops;
  return found.filter(({ kind }) => kind !== 'lost' || --left < 0);
}

/** A sentence per kind and receiver, with the first few messages: what a failing test prints. */
export function describeViolations(found: readonly Violation[]): string[] {
  const groups = new Map<string, Violation[]>();
  for (const violation of found) {
    const key = `${violation.kind} at ${violation.receiver ?? 'all'} from ${violation.sender}`;
    const group = groups.get(key);
    if (group) group.push(violation);
    else groups.set(key, [violation]);
  }
  return [...groups].map(([key, all]) => {
    const first = all.slice(0, 8).map(({ seq }) => seq);
    return `${all.length} ${key}: ${first.join(' ')}${all.length > first.length ? ' …' : ''}`;
  });
}
