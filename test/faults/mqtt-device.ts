import { connect } from 'node:net';
import { MqttClient, type IPublishPacket, type Packet } from 'mqtt';
import { eventually } from '../support/eventually';
import type { Ledger, Receiver, Sent } from '../support/ledger';
import { composePayload, digestOf, readPayload } from '../support/ledger-payload';
import type { FaultyMesh } from './faulty-mesh';

const REDIAL_MS = 150;
const BEAT_MS = 10;
const BODY_BYTES = 60;
/** Publishes that may be without an answer: less than a node allows at once. */
const OPEN_MAX = 12;
const SESSION_S = 3_600;

export interface DeviceOptions {
  readonly clientId: string;
  /** Where it connects first. */
  readonly site: string;
  readonly ledger: Ledger;
  /** A message on this topic with this QoS, so often. */
  readonly publish?: { readonly topic: string; readonly qos: 1 | 2; readonly perSecond: number };
  /** Topic filters and their QoS; each is a receiver of the ledger. */
  readonly filters?: Readonly<Record<string, 1 | 2>>;
}

const devices = new Set<MqttDevice>();
// At import, so that no test can forget it.
afterAll(() => {
  for (const device of devices) device.drop();
});

/** MQTT.js with a session that outlives its connections: it dials the node of its site again and again, and writes down what it is told. */
export class MqttDevice {
  readonly client: MqttClient;
  readonly receivers = new Map<string, Receiver>();
  /** Messages that were sent again before an answer: a node may have had them already. */
  readonly resent = new Set<string>();
  /** Why nodes refused it, or ended its connection: reason codes, and how often. */
  readonly refusals = new Map<number, number>();
  /** Whether its session was there, for each connection. */
  readonly present: boolean[] = [];
  #site: string;
  #open = 0;
  #lastSent = -1;
  #beat: NodeJS.Timeout | null = null;

  constructor(
    private readonly faulty: FaultyMesh,
    readonly options: DeviceOptions,
  ) {
    devices.add(this);
    this.#site = options.site;
    this.client = new MqttClient(() => connect(this.faulty.node(this.#site).port('mqtt'), '127.0.0.1'), {
      protocolId: 'MQTT',
      protocolVersion: 5,
      clientId: options.clientId,
      clean: false,
      properties: { sessionExpiryInterval: SESSION_S },
      reconnectPeriod: REDIAL_MS,
      connectTimeout: 12_000,
      keepalive: 30,
      resubscribe: false,
      reconnectOnConnackError: true,
    });
    this.client.on('connect', ({ sessionPresent }) => this.present.push(sessionPresent));
    this.client.on('message', (topic, payload, packet) => this.#arrived(topic, payload, packet));
    this.client.on('packetsend', (packet) => this.#sent(packet));
    this.client.on('disconnect', ({ reasonCode = 0 }) => this.#refused(reasonCode));
    this.client.on('error', (error) => this.#refused((error as { code?: unknown }).code));
  }

  get site(): string {
    return this.#site;
  }

  #refused(code: unknown): void {
    if (typeof code === 'number') this.refusals.set(code, (this.refusals.get(code) ?? 0) + 1);
  }

  /** Connected, with its subscriptions made. */
  async ready(): Promise<this> {
    const { clientId, filters = {}, ledger } = this.options;
    await eventually(`${clientId} is connected`, () => this.client.connected);
    for (const [filter, qos] of Object.entries(filters)) {
      await this.client.subscribeAsync(filter, { qos });
      const prefix = filter.replace(/#$/, '');
      const wants = (topic: string): boolean => topic.startsWith(prefix);
      this.receivers.set(filter, ledger.join(`${clientId} ${filter}`, 'each', wants));
    }
    return this;
  }

  /** It turns up at another site, and the node of the former one has not heard of it. */
  roam(site: string): void {
    this.#site = site;
    this.client.stream.destroy();
  }

  begin(): this {
    const { publish } = this.options;
    if (publish !== undefined) this.#beat ??= setInterval(() => this.#publish(), 1_000 / publish.perSecond);
    return this;
  }

  pause(): void {
    if (this.#beat !== null) clearInterval(this.#beat);
    this.#beat = null;
  }

  /** All that it published has an answer. */
  async answered(withinMs: number): Promise<void> {
    await eventually(`answers for ${this.options.clientId}`, () => this.#open === 0, {
      withinMs,
      everyMs: BEAT_MS,
      otherwise: () => this.told(),
    });
  }

  drop(): void {
    this.pause();
    devices.delete(this);
    this.client.end(true);
  }

  get accepted(): number {
    const sent = this.options.ledger.senders.get(this.options.clientId) ?? [];
    return sent.filter(({ answer }) => answer === 'accepted').length;
  }

  get arrivals(): number {
    let count = 0;
    for (const { arrivals } of this.receivers.values()) count += arrivals.length;
    return count;
  }

  told(): string {
    const { clientId } = this.options;
    const refusals = JSON.stringify([...this.refusals]);
    const connections = `${this.present.length} connections (${this.present.filter((one) => one).length} with its session)`;
    return (
      `${clientId} at ${this.#site}: ${connections}, refused ${refusals}, published ${this.#lastSent + 1} ` +
      `(${this.#open} open, ${this.resent.size} sent again), ${this.arrivals} arrivals`
    );
  }

  #publish(): void {
    const { clientId, ledger, publish } = this.options;
    if (publish === undefined || this.#open >= OPEN_MAX || !this.client.connected) return;
    const { topic, qos } = publish;
    const payload = composePayload(clientId, ledger.next(clientId), BODY_BYTES);
    const sent = ledger.send(clientId, topic, digestOf(payload));
    this.#open++;
    this.client.publish(topic, payload, { qos }, (error) => this.#answered(sent, error));
  }

  #answered(sent: Sent, error: Error | null | undefined): void {
    this.#open--;
    sent.answer = error === null || error === undefined ? 'accepted' : 'refused';
  }

  /** MQTT.js says of none that it is sent again. */
  #sent(packet: Packet): void {
    if (packet.cmd !== 'publish') return;
    const { sender, seq } = readPayload(packet.payload as Buffer);
    if (seq <= this.#lastSent) this.resent.add(`${sender} ${seq}`);
    else this.#lastSent = seq;
  }

  #arrived(topic: string, payload: Buffer, { dup }: IPublishPacket): void {
    const { sender, seq } = readPayload(payload);
    const arrival = { sender, seq, digest: digestOf(payload), redelivered: dup };
    for (const receiver of this.receivers.values()) if (receiver.wants(topic)) receiver.arrivals.push(arrival);
  }
}
