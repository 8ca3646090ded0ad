import type { AddressEntry } from './address-entry';
import { EXCLUDED_BYTES_MAX } from './limits';
import { headingPart, headingText } from './put-heading';

/** A node where messages go for subscriptions. */
export interface RouteHome {
  readonly name: string;
  /** Of its intake. */
  readonly entry: AddressEntry;
  readonly clock: number;
}

/** One that keeps messages of a topic, and what is said to it beside its clock. */
export interface RoutePart {
  readonly home: RouteHome;
  readonly exceptions: string;
}

/** The nodes that keep messages of a topic for subscriptions: one, at least. */
export class DurableRoute {
  /** This node, when it is one of them. */
  readonly here: RouteHome | null;
  /** Intakes of the others. */
  readonly elsewhere: readonly AddressEntry[];
  /** More subscriptions of the topic are at two nodes, or between them, than can be said with each message. */
  readonly isUnsettled: boolean;
  /**
   * What is put before each message: length and text. It says what was known when the route was made: what changes that for the topic
   * makes another route.
   */
  readonly head: Buffer;

  constructor(topic: string, homes: readonly RoutePart[], self: string) {
    this.here = homes.find(({ home }) => home.name === self)?.home ?? null;
    this.elsewhere = homes.filter(({ home }) => home.name !== self).map(({ home }) => home.entry);
    this.isUnsettled = homes.reduce((sum, { exceptions }) => sum + exceptions.length, 0) > EXCLUDED_BYTES_MAX;
    const parts = homes.map(({ home: { name, clock }, exceptions }) => headingPart(name, clock, exceptions));
    const text = Buffer.from(headingText(parts, topic));
    this.head = Buffer.concat([Buffer.from([text.length >> 8, text.length & 0xff]), text]);
  }
}
