import type { AddressSpace } from '../../addresses/contract';
import type { Output } from '../../amqp/output';
import type { FairleadError } from '../../common/errors';
import type { ClientBudget } from '../edge/client-budget';
import type { ListenerCounters } from '../edge/listener-counters';
import type { Version } from './connect-packet';
import type { MqttError } from './errors';
import type { LeftPublishes } from './left-publishes';
import type { SubscribeTurns } from './subscribe-turns';
import type { SystemTopics } from './system-topics';
import type { Topics } from './topics';
import type { MqttTotals } from './totals';

/** What a client said of itself that its parts have to know. */
export interface ClientFacts {
  readonly version: Version;
  readonly clientId: string;
  /** Messages of QoS 1 and 2 that it takes before it acknowledges one. */
  readonly receiveMaximum: number;
  /** Packets that it takes. */
  readonly packetBytesMax: number;
  readonly topicAliasMaximum: number;
  /** It wants reasons to be explained. */
  readonly problemInformation: boolean;
}

/** What the parts of one client's connection share. */
export interface Peer {
  readonly facts: ClientFacts;
  readonly addresses: AddressSpace;
  readonly topics: Topics;
  readonly counters: ListenerCounters;
  /** Of all MQTT clients of the node, whatever listener they came by. */
  readonly totals: MqttTotals;
  readonly system: SystemTopics;
  readonly turns: SubscribeTurns;
  readonly left: LeftPublishes;
  readonly budget: ClientBudget;
  readonly output: Output;
  /** The connection ends or has ended: nothing is sent any more. */
  readonly over: boolean;
  /** Something was written to `output`, or may be: it leaves at the end of the turn. */
  touch(): void;
  /** What held reading up may have changed. */
  review(): void;
  /** Tells in the node's log why the client has not got what it asked for, where its own answer has no words. */
  logRefusal(what: string, error: FairleadError): void;
  /** Ends the connection and tells the client why. */
  fail(error: MqttError): void;
}
