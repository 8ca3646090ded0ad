import type { AddressEntry } from './address-entry';
import type { AddressParts } from './address-parts';
import { AddressError } from './errors';

/** What is held to the rules, and what follows from that. */
export type RuleChangesParts = Pick<AddressParts, 'table' | 'names' | 'audience' | 'quotas' | 'credit' | 'queues'>;

/** Holds publishers, consumers, addresses and queues to the rules when these have changed. */
export class RuleChanges {
  constructor(
    private readonly parts: RuleChangesParts,
    private readonly scheduleFlush: () => void,
  ) {}

  /** What contradicts the rules now is ended, the rest goes on by them. */
  apply(): void {
    const { table, audience, credit, queues } = this.parts;
    table.rulesChanged();
    for (const entry of [...table.entries()]) this.#applyTo(entry);
    for (const consumer of audience.consumers()) {
      const policy = this.parts.names.policy(consumer.kind, consumer.filter);
      if (policy === null) consumer.end(changedKind(consumer.entry));
      else consumer.entry.policy = policy;
    }
    queues.rulesChanged(changedKind);
    credit.anyChanged();
    this.scheduleFlush();
  }

  #applyTo(entry: AddressEntry): void {
    const { names, quotas } = this.parts;
    const policy = names.policy(entry.kind, entry.name);
    if (policy === null) {
      for (const publisher of [...entry.publishers]) publisher.gone(changedKind(entry));
      return;
    }
    const { overflowAt } = entry.policy;
    entry.policy = policy;
    if (policy.overflowAt === overflowAt) return;
    entry.generation = -1;
    quotas.review(entry);
  }
}

function changedKind({ name, kind }: AddressEntry): AddressError {
  const message = `the rule for '${name}' now says another kind than ${kind}: attach again`;
  return new AddressError('FL_ADDRESS_CHANGED', message);
}
