import { DROP_REASON } from '../streams/contract';
import { AddressNames } from './address-names';
import { AddressTable } from './address-table';
import { Anycast } from './anycast.forwarder';
import { Audience } from './audience';
import { Barrier, FACTS } from './barrier';
import { Chokes } from './chokes';
import { Consumers } from './consumers';
import { CreditBook } from './credit';
import type { Forwarders } from './forwarder';
import { Holding } from './holding';
import { LocalInterest } from './local-interest';
import { Multicast } from './multicast.forwarder';
import { PendingTable } from './pending';
import { AddressCounters, type AddressPorts } from './ports';
import { Publishers } from './publishers';
import { Queues } from './queues';
import { Quotas } from './quotas';
import { RuleFacts } from './rule-facts';
import { SiteSlots } from './site-slots';
import { LaneBudget } from './spill';
import { StartHold } from './start-hold';
import { Topics } from './topic.forwarder';
import { TurnClock } from './turn-clock';

/** The parts of a node's address layer, put together. */
export class AddressParts {
  readonly counters = new AddressCounters();
  readonly pending = new PendingTable();
  readonly rules: RuleFacts;
  readonly names: AddressNames;
  readonly table: AddressTable;
  readonly audience: Audience;
  readonly interest: LocalInterest;
  readonly barrier: Barrier;
  /** The same of what this node tells of subscriptions. */
  readonly facts: Barrier;
  readonly hold: StartHold;
  readonly credit: CreditBook;
  readonly chokes: Chokes;
  readonly quotas: Quotas;
  readonly sites: SiteSlots;
  readonly multicast: Multicast;
  readonly anycast: Anycast;
  readonly queues: Queues;
  readonly publishers: Publishers;
  readonly consumers: Consumers;
  readonly holding: Holding;
  readonly turn: TurnClock;
  draining = false;

  constructor(ports: AddressPorts, rulesChanged: () => void) {
    const { self, streams, routes, replicas, clock, journal, spool, retention, scheduleFlush } = ports;
    const { counters, pending } = this;
    // Facts are read before there are queues to tell of them.
    const early: [origin: string, key: string, value: Buffer | null][] = [];
    let onFact = (...fact: (typeof early)[number]): void => void early.push(fact);
    this.rules = new RuleFacts(ports, rulesChanged, (...fact) => onFact(...fact));
    this.names = new AddressNames(this.rules.book, ports.defaultKind);
    this.hold = new StartHold(
      ports.knownNodes,
      self,
      clock.now(),
      ports.startHoldMs,
      ports.memory,
      () => {
        this.barrier.review();
        this.facts.review();
      },
      scheduleFlush,
    );
    const open = (): boolean => this.hold.over && !this.draining;
    this.holding = new Holding(retention, scheduleFlush);
    const shortOfMemory = (): void => pending.compact(this.holding);
    const credit = new CreditBook({ open, retention, shortOfMemory, scheduleFlush }, ports.ingressPoolBytes);
    const chokes = new Chokes(self, streams, counters, (entry) => credit.changed(entry));
    const quotas = new Quotas(self, clock, streams, (entry) => credit.changed(entry), scheduleFlush);
    const sites = new SiteSlots({
      remote: (entry, receipt, seq, outcome, detail) => {
        quotas.settled(entry, receipt.origin);
        streams.outcome(receipt.origin, receipt, seq, outcome, detail);
      },
      local: (entry, slot, outcome, detail) => {
        quotas.settled(entry, self);
        entry.forwarder.onOutcome(slot, self, outcome, detail);
      },
    });
    // Forwarders and table need each other: the table is asked for only once both are there.
    const table = (): AddressTable => this.table;
    const audience = new Audience({
      routes,
      streams,
      table,
      durable: (topic) => this.queues.book.routeOf(topic),
      changed: (entry) => credit.changed(entry),
    });
    const lanes = new LaneBudget(spool, journal);
    const siteName = (node: number): string => routes.view(node)?.site ?? String(node);
    this.turn = new TurnClock(clock, scheduleFlush);
    const notTaken = ({ message }: Error): void => {
      counters.drop(DROP_REASON.noRoom, 1);
      journal.warn('spool-failed', { why: message });
    };
    const shared = {
      self,
      clock: this.turn,
      holding: this.holding,
      streams,
      large: { spool, pool: retention, failed: notTaken },
      retention,
      counters,
      audience,
      chokes,
      credit,
      pending,
      sites,
      lanes,
      siteName,
      scheduleFlush,
    };
    this.multicast = new Multicast(shared);
    this.anycast = new Anycast(shared, quotas);
    this.facts = new Barrier(clock, routes, replicas, streams, this.hold, scheduleFlush, FACTS);
    this.queues = new Queues(ports, shared, {
      hold: this.hold,
      facts: this.facts,
      tell: (...message) => topics.publishVolatile(...message),
      openTopic: (spec, handler) => this.consumers.open(spec, handler),
      names: this.names,
      table,
      openPublisher: (handler) => this.publishers.openInternal(ports.selfName, handler),
      relieved: () => this.publishers.reviewHeld(),
    });
    const topics = new Topics(shared, this.queues.topics);
    const forwarders: Forwarders = {
      topic: topics,
      multicast: this.multicast,
      anycast: this.anycast,
      queue: this.queues.forwarder,
    };
    this.table = new AddressTable(this.names, forwarders);
    this.audience = audience;
    this.interest = new LocalInterest(replicas);
    this.barrier = new Barrier(clock, routes, replicas, streams, this.hold, scheduleFlush);
    this.credit = credit;
    this.chokes = chokes;
    this.quotas = quotas;
    this.sites = sites;
    this.publishers = new Publishers(this.table, credit, counters);
    this.consumers = new Consumers({
      clock,
      queues: this.queues,
      journal,
      table: this.table,
      audience,
      interest: this.interest,
      barrier: this.barrier,
      chokes,
      sites,
      counters,
      lanes,
      holding: this.holding,
      scheduleFlush,
    });
    onFact = (...fact) => this.queues.onFact(...fact);
    for (const fact of early) onFact(...fact);
    this.queues.start();
  }
}
