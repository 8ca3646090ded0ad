import type { ClientSession, SessionHandler } from '../../addresses/client-contract';
import { Output } from '../../amqp/output';
import { FairleadError } from '../../common/errors';
import type { ByteStream, ByteStreamUser } from '../../transport/byte-stream';
import type { Flushable } from '../../transport/flush-queue';
import type { Deadline } from '../edge/deadlines';
import type { EdgeConnection, EdgePort } from '../edge/edge-protocol';
import type { MqttNode } from './client-options';
import { connack, disconnect } from './cold-packets';
import { type Admission, admit, returnCodeOf, sessionExpiryMs } from './connect';
import { Connected, type ClientWire } from './connected';
import { checkVersion, type ConnectPacket, readConnect, readVersion, type Version } from './connect-packet';
import { PACKET, REASON } from './constants';
import { malformed, MqttError, protocolError } from './errors';
import { Fields } from './fields';
import { CONNECT_BYTES_MAX, CONNECT_MS, GATHER_BYTES_MAX } from './limits';
import type { ClientFacts } from './peer';
import { PacketReader, type PacketSink } from './packet-reader';
import { reasonOfError, reasonOfFarewell, wordsOfError } from './reasons';

type State = 'greeting' | 'opening' | 'connected' | 'ended';

/** Without a packet for so much of its keep-alive a client is gone ([MQTT-3.1.2-22]). */
const KEEP_ALIVE_SHARE = 1_500;
/** What ends a connection without anybody's fault. */
const NO_FAULTS: readonly string[] = ['FL_MQTT_TAKEN', 'FL_MQTT_SHUTDOWN'];

/** One client's connection: its bytes, its CONNECT, its time and its end. What is between is {@link Connected}. */
export class MqttClient
  implements EdgeConnection, ByteStreamUser, PacketSink, Flushable, Deadline, SessionHandler, ClientWire
{
  dueAtMs: number;
  readonly output = new Output();
  readonly #reader: PacketReader;
  #state: State = 'greeting';
  #version: Version = 4;
  #connect: ConnectPacket | null = null;
  #admission: Admission | null = null;
  #connected: Connected | null = null;
  #cancel: (() => void) | null = null;
  /** Time without a packet after which the client is gone. */
  #silenceMs = Infinity;
  #paused = false;
  #reading = false;
  /** While reading: what held it up may have changed. */
  #reviewed = false;
  #flushDue = false;
  #packets = 0;

  constructor(
    private readonly stream: ByteStream,
    private readonly port: EdgePort,
    private readonly node: MqttNode,
  ) {
    this.#reader = new PacketReader(this, node.kept);
    this.dueAtMs = node.deadlines.now() + CONNECT_MS;
    node.deadlines.add(this);
    stream.begin(this);
  }

  get over(): boolean {
    return this.#state === 'ended';
  }

  // --- bytes ---------------------------------------------------------------------------------------------------------------------

  read(chunk: Buffer): void {
    if (this.over) return;
    this.node.totals.bytesIn += chunk.length;
    this.#consume(() => this.#reader.read(chunk));
  }

  #consume(read: () => void): void {
    const before = this.#packets;
    this.#reading = true;
    try {
      read();
    } catch (error) {
      if (!(error instanceof FairleadError)) throw error;
      this.fail(
        error instanceof MqttError ? error : new MqttError('FL_MQTT_REFUSED', error.message, reasonOfError(error)),
      );
    } finally {
      this.#reading = false;
    }
    this.node.totals.packetsIn += this.#packets - before;
    if (this.over) return;
    const { blocked, waiting } = this.#reader;
    if (this.#reviewed && (blocked || waiting)) this.touch();
    this.#reviewed = false;
    if (this.#packets > before) this.#alive();
    if (blocked !== this.#paused) this.#pause(blocked);
  }

  #pause(paused: boolean): void {
    this.#paused = paused;
    if (paused) this.stream.pause();
    else this.stream.resume();
  }

  #alive(): void {
    if (this.#state === 'connected') this.dueAtMs = this.node.deadlines.now() + this.#silenceMs;
  }

  unwritten(): number {
    return this.stream.unwrittenBytes;
  }

  touch(): void {
    if (this.#flushDue) return;
    this.#flushDue = true;
    this.node.queue.schedule(this);
  }

  /** Something that has come could not be taken. */
  get #waits(): boolean {
    return this.#paused || this.#reader.waiting;
  }

  review(): void {
    if (this.#reading) this.#reviewed = true;
    else if (this.#waits) this.touch();
  }

  flush(): void {
    this.#flushDue = false;
    if (this.#waits) this.goOn();
    if (!this.over) this.#connected?.flush();
    const buffers = this.output.take();
    if (buffers !== null) this.#write(buffers);
    if (this.over) this.stream.end();
  }

  #write(buffers: readonly Buffer[]): void {
    for (const { length } of buffers) this.node.totals.bytesOut += length;
    this.stream.write(buffers);
  }

  goOn(): void {
    if (!this.over) this.#consume(() => this.#reader.resume());
  }

  written(): void {
    this.output.written();
    if (!this.over && this.#connected?.outgoing.stopped === true) this.touch();
  }

  // --- packets -------------------------------------------------------------------------------------------------------------------

  get held(): boolean {
    return this.#state === 'ended' || this.#state === 'opening' || this.#connected?.held === true;
  }

  onHeader(first: number, length: number): boolean {
    if (this.#connected !== null) return this.#connected.takes(first, length);
    if (first >>> 4 !== PACKET.connect) throw protocolError('the first packet is no CONNECT [MQTT-3.1.0-1]');
    if (first !== PACKET.connect << 4) throw malformed('flags of a CONNECT [MQTT-2.1.3-1]');
    if (length > CONNECT_BYTES_MAX) throw new MqttError('FL_MQTT_PACKET_SIZE', `a CONNECT of ${length} bytes`);
    return true;
  }

  onPacket(first: number, bytes: Buffer, start: number, end: number): void {
    this.#packets++;
    if (this.#connected === null) this.#onConnect(new Fields(bytes, start, end));
    else this.#connected.packet(first, bytes, start, end);
  }

  onLargeHead(first: number, bytes: Buffer, start: number, end: number, length: number): number {
    return this.#connected?.incoming.beginLarge(first, bytes, start, end, length) ?? -1;
  }

  onLargePart(bytes: Buffer, start: number, end: number): void {
    // It is long, and so may take longer than a keep-alive.
    this.#packets++;
    this.#connected?.incoming.partLarge(bytes, start, end);
  }

  onLargeEnd(): void {
    this.#connected?.incoming.endLarge();
  }

  // --- CONNECT -------------------------------------------------------------------------------------------------------------------

  #onConnect(fields: Fields): void {
    const version = readVersion(fields);
    // One that is not known yet is answered in the words of the newest.
    this.#version = version >= 5 ? 5 : 4;
    checkVersion(version);
    const connect = readConnect(fields, this.#version);
    const admission = admit(connect, this.node.messageBytesMax + GATHER_BYTES_MAX);
    this.#connect = connect;
    this.#admission = admission;
    this.#state = 'opening';
    this.dueAtMs = Infinity;
    const { clientId } = admission.facts;
    const cancel = this.node.space.openSession(
      { clientId, protocol: 'mqtt', clean: connect.clean, expiryMs: sessionExpiryMs(connect), will: admission.will },
      this,
    );
    // Answered within the call there is nothing to be given up.
    if (this.#state === 'opening') this.#cancel = cancel;
  }

  onOpened(session: ClientSession): void {
    const { facts, keepAliveS, told } = this.#admission as Admission;
    const expiryMs = sessionExpiryMs(this.#connect as ConnectPacket);
    const publishBytesMax = this.node.messageBytesMax + GATHER_BYTES_MAX;
    this.#cancel = null;
    this.#connected = new Connected(facts, session, this, this.node, this.port, expiryMs, publishBytesMax);
    this.#state = 'connected';
    this.node.totals.entered();
    this.#silenceMs = keepAliveS === 0 ? Infinity : keepAliveS * KEEP_ALIVE_SHARE;
    this.#alive();
    this.#send(connack(this.#version, REASON.success, session.present, told));
    this.#connect = null;
    this.#connected.resume();
    this.review();
  }

  onRefused(error: FairleadError): void {
    this.#cancel = null;
    this.fail(new MqttError('FL_MQTT_REFUSED', error.message, reasonOfError(error)));
  }

  onTaken(): void {
    const clientId = this.#admission?.facts.clientId ?? '';
    this.fail(new MqttError('FL_MQTT_TAKEN', `'${clientId}' has connected again [MQTT-3.1.4-3]`), true);
  }

  inFlight(): number {
    return this.#connected?.outgoing.inFlight.size ?? 0;
  }

  #send(packet: Buffer): void {
    this.node.totals.packetsOut++;
    this.output.copy(packet, 0, packet.length);
    this.touch();
  }

  // --- the end -------------------------------------------------------------------------------------------------------------------

  onDue(nowMs: number): void {
    if (this.#state === 'greeting') {
      this.fail(new MqttError('FL_MQTT_CONNECT_TIME', `no CONNECT within ${CONNECT_MS} ms`));
    } else if (this.#waits) {
      // It is this end that does not read, or not all of it.
      this.dueAtMs = nowMs + this.#silenceMs;
    } else {
      this.fail(
        new MqttError('FL_MQTT_KEEP_ALIVE', 'no packet in one and a half times the keep-alive [MQTT-3.1.2-22]'),
      );
    }
  }

  logRefusal(what: string, error: FairleadError): void {
    this.#log(error.code, `${what}: ${wordsOfError(error)}`, 'subscription');
  }

  #log(condition: string, description: string, scope: string): void {
    const peer = { peer: this.#admission?.facts.clientId ?? '', from: this.stream.remoteAddress };
    this.port.errors.protocolError('protocol-error', { condition, description, scope }, peer);
  }

  fail(error: MqttError, taken = false): void {
    if (this.over) return;
    const word = this.#lastWord(error);
    if (!NO_FAULTS.includes(error.code)) this.#log(error.code, error.message, 'connection');
    // In the middle of a large message there is no place for it.
    const mayTell = word !== null && this.#connected?.outgoing.large.busy !== true;
    this.#end(true, undefined, taken);
    if (mayTell) this.#send(word);
    this.touch();
  }

  /** What the client is told: CONNACK before it was let in, else DISCONNECT, which MQTT 3.1.1 does not have for servers. */
  #lastWord(error: MqttError): Buffer | null {
    const { reason, message } = error;
    if (this.#connected !== null)
      return this.#version === 5 ? farewellOf(reasonOfFarewell(reason), message, this.#connected.facts) : null;
    if (error.code === 'FL_MQTT_CONNECT_TIME') return null;
    if (this.#version === 5) return connack(5, reason, false, { reasonString: message.slice(0, 300) });
    const code = returnCodeOf(reason);
    return code === null ? null : connack(4, code, false, {});
  }

  farewell(will: boolean, expiryMs: number | undefined): void {
    this.#end(will, expiryMs, false);
    this.touch();
  }

  #end(will: boolean, expiryMs: number | undefined, taken: boolean): void {
    this.#state = 'ended';
    this.dueAtMs = Infinity;
    this.node.deadlines.remove(this);
    this.#reader.clear();
    this.#cancel?.();
    this.#cancel = null;
    const connected = this.#connected;
    if (connected === null) return;
    this.node.totals.left();
    connected.close(will);
    if (!taken) connected.session.close(will, expiryMs);
  }

  closed(): void {
    if (!this.over) this.#end(true, undefined, false);
    this.port.closed(this);
  }

  drain(): void {
    // Nothing begins by itself; the mesh gives publishers no more credit.
  }

  shutdown(): void {
    this.fail(new MqttError('FL_MQTT_SHUTDOWN', 'the node is shutting down'));
  }
}

/** With words as far as they are wanted and fit ([MQTT-3.14.2-3]). */
function farewellOf(reason: number, why: string, { problemInformation, packetBytesMax }: ClientFacts): Buffer {
  const packet = disconnect(reason, problemInformation ? why : '');
  return packet.length <= packetBytesMax ? packet : disconnect(reason, '');
}
