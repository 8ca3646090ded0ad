import { FairleadError } from '../../src/common/errors';
import { Connectivity } from './connectivity';
import { Dice } from './dice';
import { Ledger } from './ledger';
import type { Plan } from './plan';
import { SimConsumer, type ConsumerPlan } from './sim-consumer';
import { SimPublisher, type PublisherPlan } from './sim-publisher';
import { SimReceiver, type ReceiverPlan } from './sim-receiver';
import { isKnown, makeSubscription, queueOf, type SubscriptionPlan } from './subscription-plan';
import { VirtualMesh, type VirtualNode, type VirtualWire } from './virtual-mesh';
import { VirtualTime } from './virtual-time';

/** A client that comes back when its node does. */
export interface Slot<P, C> {
  readonly plan: P;
  readonly node: VirtualNode;
  client: C | null;
}

/** Nodes that have the rules in their document; in a large mesh the others learn them. */
const RULED_MAX = 12;

/** How often it is looked whether everybody knows of a subscription. */
const KNOWN_LOOK_MS = 20;

/** How long a client takes to come back to a node that has started. */
const RECONNECT_MS = 50;

/** A plan's nodes, wires and clients, and what faults need to act on them. */
export class World {
  readonly time = new VirtualTime();
  readonly dice: Dice;
  readonly mesh: VirtualMesh;
  readonly nodes: readonly VirtualNode[];
  readonly wires: readonly VirtualWire[];
  readonly connectivity: Connectivity;
  readonly ledger = new Ledger();
  readonly publishers: readonly Slot<PublisherPlan, SimPublisher>[];
  readonly consumers: readonly Slot<ConsumerPlan, SimConsumer>[];
  readonly receivers: readonly Slot<ReceiverPlan, SimReceiver>[];
  /** Consumers are told to stop reading, and those of queues to settle nothing or to stay away, by number of the slot. */
  readonly stuck = new Set<number>();
  readonly holding = new Set<number>();
  readonly away = new Set<number>();
  /** When nodes lost their disks, by name. */
  readonly diskLosses = new Map<string, number[]>();
  #publishing = false;
  #isAgreed = false;

  constructor(readonly plan: Plan) {
    this.dice = new Dice(plan.seed ^ 0x5eed);
    this.mesh = new VirtualMesh(this.time, plan.seed, plan.limits);
    this.nodes = Array.from({ length: plan.nodes }, (_, n) => this.mesh.add(`n${n}`, n < RULED_MAX ? plan.rules : []));
    this.connectivity = new Connectivity(this.mesh);
    this.wires = plan.wires.map(({ ends: [a, b], cost, quality }) =>
      this.mesh.join(this.node(a), this.node(b), cost, quality),
    );
    this.publishers = plan.publishers.map((p) => ({ plan: p, node: this.node(p.node), client: null }));
    this.consumers = plan.consumers.map((c) => ({ plan: c, node: this.node(c.node), client: null }));
    this.receivers = plan.receivers.map((r) => ({ plan: r, node: this.node(r.node), client: null }));
    for (const node of this.nodes) node.onDied = () => this.#died(node);
  }

  readonly random = (): number => this.dice.u32() / 0x1_0000_0000;

  node(n: number): VirtualNode {
    return this.nodes[n] as VirtualNode;
  }

  wire(n: number): VirtualWire {
    return this.wires[n] as VirtualWire;
  }

  startNodes(withinMs: number): void {
    for (const node of this.nodes) {
      this.time.at(this.random() * withinMs, () => {
        node.start();
        this.connectivity.note();
      });
    }
  }

  openConsumers(fromMs: number, toMs: number): void {
    this.consumers.forEach((slot, n) =>
      this.time.at(fromMs + this.random() * (toMs - fromMs), () => this.openConsumer(slot, n)),
    );
  }

  openConsumer(slot: Slot<ConsumerPlan, SimConsumer>, n: number): void {
    if (!slot.node.alive || slot.client?.live === true) return;
    slot.client = new SimConsumer(slot.node, this.ledger, slot.plan, this.random);
    if (this.stuck.has(n)) slot.client.pause();
  }

  openReceivers(fromMs: number, toMs: number): void {
    this.receivers.forEach((_, n) =>
      this.time.at(fromMs + this.random() * (toMs - fromMs), () => this.openReceiver(n)),
    );
  }

  /** One that is ended, or refused, comes back after a while. */
  openReceiver(n: number): void {
    const slot = this.receivers[n] as Slot<ReceiverPlan, SimReceiver>;
    if (!slot.node.alive || slot.client?.live === true || this.away.has(n)) return;
    const again = (): void => this.time.after(RECONNECT_MS, () => this.openReceiver(n));
    const { subscription } = slot.plan;
    // It was made where its plan says: who does not know of it yet would make another one.
    if (subscription !== undefined && !isKnown(slot.node, subscription)) {
      again();
      return;
    }
    try {
      slot.client = new SimReceiver(slot.node, this.ledger, slot.plan, this.random, again);
    } catch (error) {
      if (!(error instanceof FairleadError)) throw error;
      again();
      return;
    }
    if (this.holding.has(n)) slot.client.hold();
    if (this.#isAgreed) slot.client.agree();
  }

  /** All consumers of queues are there, and accept everything from now on. */
  agree(): void {
    this.#isAgreed = true;
    this.holding.clear();
    this.away.clear();
    this.receivers.forEach((slot, n) => {
      this.openReceiver(n);
      slot.client?.resume();
      slot.client?.agree();
    });
  }

  /** Makes the subscriptions, each at its home; what is published once every node knows of one is owed to it. */
  makeSubscriptions(atMs: number): void {
    for (const subscription of this.plan.subscriptions)
      this.time.at(atMs, () =>
        makeSubscription(this.node(subscription.home), subscription, () => this.#awaitKnown(subscription)),
      );
  }

  #awaitKnown(subscription: SubscriptionPlan): void {
    if (this.nodes.every((node) => isKnown(node, subscription)))
      this.ledger.keptFrom.set(queueOf(subscription), this.time.now);
    else this.time.after(KNOWN_LOOK_MS, () => this.#awaitKnown(subscription));
  }

  openPublishers(): void {
    this.#publishing = true;
    for (const slot of this.publishers) this.#openPublisher(slot);
  }

  #openPublisher(slot: Slot<PublisherPlan, SimPublisher>): void {
    if (!this.#publishing || !slot.node.alive || slot.client?.live === true) return;
    slot.client = new SimPublisher(slot.node, this.ledger, slot.plan, this.random);
  }

  stopPublishers(): void {
    this.#publishing = false;
    for (const { client } of this.publishers) client?.stop();
  }

  loseDisk({ name }: VirtualNode): void {
    this.diskLosses.set(name, [...(this.diskLosses.get(name) ?? []), this.time.now]);
  }

  /** A node's process has ended: its clients see their connections end. */
  #died(node: VirtualNode): void {
    for (const slot of [...this.publishers, ...this.consumers, ...this.receivers])
      if (slot.node === node) slot.client?.died();
    this.connectivity.note();
  }

  /** Starts a node again; its clients come back. */
  start(node: VirtualNode): void {
    if (node.alive) return;
    node.start();
    this.connectivity.note();
    const { life } = node;
    this.time.after(RECONNECT_MS, () => {
      if (node.life !== life) return;
      for (const slot of this.publishers) if (slot.node === node) this.#openPublisher(slot);
      this.consumers.forEach((slot, n) => slot.node === node && this.openConsumer(slot, n));
      this.receivers.forEach((slot, n) => slot.node === node && this.openReceiver(n));
    });
  }
}
