import { PENDING, PUBLISH_FLAG, type Publisher, type PublisherHandler, type Verdict } from '../../addresses/contract';
import { FairleadError } from '../../common/errors';
import { OUTCOME, type Outcome, type OutcomeDetail } from '../../streams/contract';
import { MESSAGE_BYTES_MAX } from '../../streams/limits';
import { writeAck, writeReasonedAck } from './acks';
import { FIRST, REASON } from './constants';
import { MqttError, protocolError } from './errors';
import { GATHER_BYTES_MAX, PACKET_IDS_MAX, RECEIVE_MAXIMUM } from './limits';
import { LargeIncoming } from './large-incoming';
import { plainMessage, SCRATCH } from './message-bytes';
import type { Heir, Leaver } from './left-publishes';
import type { Peer } from './peer';
import type { RetainedMessages } from '../../addresses/client-contract';
import { PublishView, readPublish } from './publish-packet';
import { PublishStates, STATE } from './publish-states';
import { reasonOfError, reasonOfOutcome, wordsOfError, wordsOfOutcome } from './reasons';
import { RetainedPublishes } from './retained-publishes';
import { richMessage } from './rich-messages';
import type { SessionKeeper } from './session-keeper';
import { isText } from './text';
import { TopicAliases } from './topic-aliases';
import type { Topic } from './topics';

/** Behind the packet id, in a token. */
const QOS_SHIFT = 16;
const ID_MASK = 0xffff;

const VIEW = new PublishView();

/** What a client publishes: into the mesh, and acknowledged when the mesh says `accepted`. */
export class Incoming implements PublisherHandler, Heir, Leaver {
  #publisher: Publisher | null = null;
  #credit = 0;
  /** Its large message comes faster than it leaves. */
  #held = false;
  /** Its connection has ended, and who goes on with it then. */
  #hasLeft = false;
  #heir: Heir | null = null;
  #isDisowned = false;
  readonly #aliases: TopicAliases;
  /** Messages of QoS 1 until they are acknowledged, of QoS 2 until they are released. */
  readonly #states = new PublishStates();
  readonly #large: LargeIncoming;
  readonly #retained: RetainedPublishes | null;

  constructor(
    private readonly peer: Peer,
    private readonly keeper: SessionKeeper,
    retained: RetainedMessages | null,
  ) {
    this.#aliases = new TopicAliases(peer.topics);
    this.#large = new LargeIncoming();
    const finish = (token: number, outcome: Outcome, detail: OutcomeDetail | null): void =>
      this.#finish(token >>> QOS_SHIFT, token & ID_MASK, outcome, detail);
    this.#retained = retained === null ? null : new RetainedPublishes(retained, finish);
  }

  /** A PUBLISH can be taken. */
  get ready(): boolean {
    return this.#credit > 0;
  }

  /** A large message has to wait. */
  get held(): boolean {
    return this.#held;
  }

  /** Asks the mesh for credit, once: most clients never publish. */
  begin(): void {
    const { addresses, facts } = this.peer;
    this.#publisher ??= addresses.openPublisher({ address: null, hint: null, client: facts.clientId }, this);
  }

  /** Packet ids of messages that an earlier connection has received ([MQTT-4.3.3-10]). */
  restore(received: readonly number[]): void {
    this.#states.setAll(received, STATE.received);
  }

  /** What a later connection has to know. */
  received(): number[] {
    return this.#states.idsOf(STATE.received);
  }

  /** Those of QoS 2 that the mesh has not answered. */
  unanswered(): number[] {
    return this.#states.idsOf(STATE.publishing2);
  }

  // --- PUBLISH -----------------------------------------------------------------------------------------------------------------

  /** A whole PUBLISH. @throws MqttError */
  publish(first: number, bytes: Buffer, start: number, end: number): void {
    readPublish(first, bytes, start, end, this.peer.facts.version === 5, VIEW);
    const topic = this.#topicOf(VIEW, bytes);
    if (!this.#takes(VIEW) || topic === null) return;
    const { qos, packetId } = VIEW;
    if (VIEW.utf8 && !isText(bytes, VIEW.payloadStart, VIEW.payloadEnd)) {
      const error = new MqttError('FL_MQTT_PAYLOAD', 'the payload is not UTF-8, as its indicator says');
      this.#refuse(qos, packetId, error);
      return;
    }
    try {
      this.#answer(qos, packetId, this.#put(topic, bytes));
    } catch (error) {
      if (!(error instanceof FairleadError)) throw error;
      this.#refuse(qos, packetId, error);
    }
  }

  #put(topic: Topic, bytes: Buffer): Verdict {
    const { qos, packetId, retain, payloadStart, payloadEnd } = VIEW;
    const token = (qos << QOS_SHIFT) | packetId;
    if (!VIEW.rich && VIEW.expiryS < 0 && !VIEW.utf8) {
      const length = plainMessage(topic.head(qos, retain), bytes, payloadStart, payloadEnd);
      return this.#publishAs(topic, SCRATCH, length, token);
    }
    const message = richMessage(VIEW, bytes, topic.address, Date.now());
    return this.#publishAs(topic, message, message.length, token);
  }

  #publishAs(topic: Topic, message: Buffer, length: number, token: number): Verdict {
    const { retain, payloadStart, payloadEnd } = VIEW;
    const retained = this.#retained;
    if (!retain || retained === null || topic.ref.kind !== 'topic') return this.#publish(topic, message, length, token);
    const end = payloadStart === payloadEnd ? 0 : length;
    const tracked = token >= 1 << QOS_SHIFT;
    return retained.publish(topic.ref, message, end, token, tracked, () =>
      this.#publish(topic, message, length, token),
    );
  }

  #publish(topic: Topic, message: Buffer, length: number, token: number): Verdict {
    const publisher = this.#publisher as Publisher;
    const flags = token < 1 << QOS_SHIFT ? PUBLISH_FLAG.settled : PUBLISH_FLAG.durable;
    this.#counted();
    if (length <= MESSAGE_BYTES_MAX) return publisher.publish(topic.ref, flags, message, 0, length, token);
    // Properties can take more room there than they do here.
    publisher.begin(topic.ref, flags, token);
    publisher.part(message, 0, length);
    return publisher.end();
  }

  #counted(): void {
    this.#credit--;
    this.peer.counters.messagesIn++;
    this.peer.totals.publishesIn++;
  }

  /** Null after it was refused. @throws MqttError */
  #topicOf(view: PublishView, bytes: Buffer): Topic | null {
    try {
      return this.#aliases.topicOf(view, bytes);
    } catch (error) {
      if (error instanceof MqttError || !(error instanceof FairleadError)) throw error;
      if (this.#takes(view)) this.#refuse(view.qos, view.packetId, error);
      return null;
    }
  }

  /**
   * Notes a message of QoS 1 or 2. False for one that has come before: it is not published again.
   * @throws MqttError
   */
  #takes({ qos, packetId, duplicate }: PublishView): boolean {
    if (qos === 0) return true;
    const state = this.#states.get(packetId);
    if (state === STATE.received && qos === 2) {
      this.#send(FIRST.pubrec, packetId);
      return false;
    }
    if (state >= 0) {
      if (duplicate) return false;
      throw protocolError(`packet id ${packetId} is in use [MQTT-2.2.1-3]`);
    }
    if (this.#states.size >= PACKET_IDS_MAX)
      throw new MqttError('FL_MQTT_QUOTA', `more than ${PACKET_IDS_MAX} messages that were not released`);
    if (this.peer.facts.version === 5 && this.#states.size >= RECEIVE_MAXIMUM)
      throw new MqttError('FL_MQTT_RECEIVE_MAXIMUM', `more than ${RECEIVE_MAXIMUM} messages without acknowledgement`);
    this.#states.set(packetId, qos === 1 ? STATE.publishing1 : STATE.publishing2);
    return true;
  }

  // --- outcomes ----------------------------------------------------------------------------------------------------------------

  onOutcome(token: number, outcome: Outcome, detail: OutcomeDetail | null): void {
    if (this.#retained?.settled(token, outcome, detail) !== true)
      this.#finish(token >>> QOS_SHIFT, token & ID_MASK, outcome, detail);
  }

  #answer(qos: number, packetId: number, verdict: Verdict): void {
    if (qos > 0 && verdict !== PENDING) this.#finish(qos, packetId, verdict, null);
  }

  #finish(qos: number, packetId: number, outcome: Outcome, detail: OutcomeDetail | null): void {
    if (this.#hasLeft) {
      if (qos === 2) this.#finishLeft(packetId, outcome, detail);
      return;
    }
    if (outcome === OUTCOME.accepted) {
      if (qos === 1) {
        this.#states.take(packetId);
        this.#send(FIRST.puback, packetId);
      } else {
        this.#states.set(packetId, STATE.received);
        this.keeper.acknowledge(FIRST.pubrec, packetId);
      }
      return;
    }
    this.#tell(qos, packetId, reasonOfOutcome(detail), wordsOfOutcome(outcome, detail));
  }

  /** A message that the mesh has not seen. */
  #refuse(qos: number, packetId: number, error: FairleadError): void {
    if (qos > 0) this.#tell(qos, packetId, reasonOfError(error), wordsOfError(error));
    else this.peer.counters.messagesRejected++;
  }

  /** MQTT 3.1.1 has no word for it but the end of the connection ([MQTT-3.3.5-2] there). */
  #tell(qos: number, packetId: number, reason: number, why: string): void {
    const { peer } = this;
    peer.counters.messagesRejected++;
    this.#states.take(packetId);
    if (peer.over) return;
    if (peer.facts.version === 4) peer.fail(new MqttError('FL_MQTT_REFUSED', `a message was not accepted: ${why}`));
    else writeReasonedAck(peer, qos === 1 ? FIRST.puback : FIRST.pubrec, packetId, reason, why);
    peer.touch();
  }

  #send(first: number, packetId: number): void {
    if (this.peer.over) return;
    writeAck(this.peer, first, packetId);
    this.peer.touch();
  }

  /** PUBREL: the client will not send it again. @throws MqttError */
  release(packetId: number): void {
    const state = this.#states.get(packetId);
    if (state === STATE.publishing1 || state === STATE.publishing2)
      throw protocolError(`PUBREL of ${packetId} before its PUBREC [MQTT-4.3.3-4]`);
    this.#states.take(packetId);
    // The client may use the packet id for another message then: that must not be taken for this one after a restart.
    if (state === STATE.received) this.keeper.acknowledge(FIRST.pubcomp, packetId);
    else writeReasonedAck(this.peer, FIRST.pubcomp, packetId, REASON.packetIdNotFound);
    this.peer.touch();
  }

  // --- large messages ------------------------------------------------------------------------------------------------------------

  /** @returns where the payload begins, or -1 when more is needed. @throws MqttError */
  beginLarge(first: number, bytes: Buffer, start: number, end: number, length: number): number {
    const payload = this.#large.read(first, bytes, start, end, length, this.peer.facts.version === 5);
    if (payload < 0) return -1;
    const { view } = this.#large;
    const topic = this.#topicOf(view, bytes);
    if (!this.#takes(view) || topic === null) {
      this.#large.skip();
      return payload;
    }
    try {
      if (view.retain && this.#retained !== null)
        throw new MqttError('FL_MQTT_QUOTA', `a retained message of more than ${GATHER_BYTES_MAX} bytes`);
      this.#large.begin(this.#publisher as Publisher, topic, bytes, (view.qos << QOS_SHIFT) | view.packetId);
      this.#counted();
    } catch (error) {
      if (!(error instanceof FairleadError)) throw error;
      this.#large.skip();
      this.#refuse(view.qos, view.packetId, error);
    }
    return payload;
  }

  partLarge(bytes: Buffer, start: number, end: number): void {
    this.#large.part(bytes, start, end);
  }

  endLarge(): void {
    const verdict = this.#large.end();
    if (verdict !== null) this.#answer(this.#large.view.qos, this.#large.view.packetId, verdict);
  }

  // --- the mesh ------------------------------------------------------------------------------------------------------------------

  onCredit(more: number): void {
    this.#credit += more;
    if (!this.#hasLeft) this.peer.review();
  }

  onHold(hold: boolean): void {
    this.#held = hold;
    if (!this.#hasLeft) this.peer.review();
  }

  onGone(error: FairleadError): void {
    this.#publisher = null;
    // What has become of them is not known: a client that sends them again means them.
    for (const id of this.unanswered()) this.#states.take(id);
    if (!this.#hasLeft) {
      this.peer.fail(new MqttError('FL_MQTT_REFUSED', error.message, reasonOfError(error)));
      return;
    }
    this.peer.left.done(this.peer.facts.clientId, this);
    this.#heir?.onGone(error);
  }

  // --- without its connection ----------------------------------------------------------------------------------------------------

  /** Its connection has ended. What it has published of QoS 2 is answered all the same, where the session stays. */
  close(): void {
    const cut = this.#large.abort();
    if (cut !== null) this.#states.take(cut);
    this.#hasLeft = true;
    if (this.keeper.persistent && this.unanswered().length > 0) this.peer.left.add(this.peer.facts.clientId, this);
    else this.#closePublisher();
  }

  #closePublisher(): void {
    this.#publisher?.close();
    this.#publisher = null;
  }

  inherit(heir: Heir | null): void {
    this.#heir = heir;
    this.#isDisowned = heir === null;
  }

  /** Goes on with what an earlier connection has left: it is answered when the mesh answers, and not published again. */
  adopt(left: Leaver): void {
    this.#states.setAll(left.received(), STATE.received);
    this.#states.setAll(left.unanswered(), STATE.publishing2);
    left.inherit(this);
  }

  answered(packetId: number, outcome: Outcome, detail: OutcomeDetail | null): void {
    this.#finish(2, packetId, outcome, detail);
  }

  #finishLeft(packetId: number, outcome: Outcome, detail: OutcomeDetail | null): void {
    if (outcome === OUTCOME.accepted) this.#states.set(packetId, STATE.received);
    else this.#states.take(packetId);
    this.#heir?.answered(packetId, outcome, detail);
    if (this.unanswered().length > 0) return;
    this.#closePublisher();
    this.peer.left.done(this.peer.facts.clientId, this);
    if (this.#heir === null && !this.#isDisowned) this.keeper.saveLate();
  }
}
