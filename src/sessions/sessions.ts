import type { SessionHandler, SessionSpec, SessionSubscription } from '../addresses/client-contract';
import type { WireReader } from '../common/wire';
import type { NodeId } from '../links/contract';
import { Endings } from './ending';
import type { Told } from './kept-records';
import { SESSION_HOPS_MAX } from './limits';
import { OpenSession } from './open-session';
import { Openings, type Opening } from './openings';
import { SessionBook } from './session-book';
import { away, checkRecord, checkSpec, checkState, taken } from './session-limits';
import { readTaken, SESSION_CONTROL, TAKE, writeTake, writeTaken, type TakeAnswer } from './session-messages';
import { decodeSession, encodeSession, refsOf, type SessionRecord } from './session-record';
import { SessionWatch } from './session-watch';
import type { SessionsPorts } from './sessions-ports';

const NOTHING = Buffer.alloc(0);

/**
 * Sessions of clients: one owner in the mesh, the newest connection wins. The node where the client was last has its session, and gives it
 * to the next; all nodes know of it by the table. Two that were made while their nodes did not see each other become the later one.
 */
export class Sessions {
  readonly book: SessionBook;
  readonly watch: SessionWatch;
  readonly #endings: Endings;
  readonly #open = new Map<string, OpenSession>();
  /** Those whose subscriptions are to be told to the mesh at the end of the turn. */
  readonly #changedHere = new Set<OpenSession>();
  readonly openings = new Openings();
  /** What was saved of sessions that are here. */
  readonly #states = new Map<string, Buffer>();
  /** Given to another node, of which that is not known yet by the table. */
  readonly #given = new Set<string>();
  #requests = 0;
  takenOver = 0;

  constructor(private readonly ports: SessionsPorts) {
    const { table, selfName, life } = ports;
    this.book = new SessionBook({
      table,
      selfName,
      life,
      wrote: (entry) => ports.wrote(entry),
      changed: (clientId, record, before) => this.#changed(clientId, record, before),
    });
    this.watch = new SessionWatch({
      ...ports,
      book: this.book,
      end: (clientId, record) => this.#end(clientId, record),
    });
    this.#endings = new Endings(ports);
  }

  /** What this node knows of a session beside its record; null for one of another node. */
  here(clientId: string, { owner }: SessionRecord): { inFlight: number | null; stateBytes: number } | null {
    if (owner !== this.ports.selfName) return null;
    const inFlight = this.#open.get(clientId)?.handler.inFlight() ?? null;
    return { inFlight, stateBytes: this.#states.get(clientId)?.length ?? 0 };
  }

  /** Sessions of which something is being ended. */
  get ending(): number {
    return this.#endings.size;
  }

  get connected(): number {
    return this.#open.size;
  }

  /** What the last run had saved. */
  loadState(clientId: string, state: Buffer): void {
    this.#states.set(clientId, state);
  }

  // --- opening ---------------------------------------------------------------------------------------------------------------

  open(spec: SessionSpec, handler: SessionHandler): () => void {
    const { clientId, clean } = spec;
    const length = checkSpec(spec, clean ? [] : (this.book.get(clientId)?.subscriptions ?? []));
    const refusal = this.book.lackOfRoom(clientId, length, this.openings.size);
    if (refusal !== null) {
      this.openings.refused++;
      throw refusal;
    }
    const opening = this.openings.add(spec, handler, this.ports.now());
    this.ports.scheduleFlush();
    this.#advance(opening);
    return () => this.#abandon(opening);
  }

  #abandon(opening: Opening): void {
    if (opening.session !== null) opening.session.close(false);
    else this.openings.forget(opening);
  }

  /** Goes on with what the table says now. */
  #advance(opening: Opening): void {
    const { clientId, clean } = opening.spec;
    this.#takeHere(clientId, clean);
    const record = this.book.get(clientId);
    if (record === null) this.#begin(opening, null, NOTHING);
    else if (record.owner === this.ports.selfName) {
      if (record.isEnding) this.#endings.whenEnded(clientId, () => this.#begin(opening, null, NOTHING));
      else this.#begin(opening, record, this.#states.get(clientId) ?? NOTHING);
    } else this.#ask(opening, record.owner);
  }

  /** The connection that has it here gives it up. */
  #takeHere(clientId: string, clean: boolean): void {
    const open = this.#open.get(clientId);
    if (open === undefined) return;
    this.#tellTaken(open);
    // A will without delay is of the connection, and that has ended; one with is of the session, which goes on.
    const isDue = clean || open.will?.delayMs === 0 || open.expiryMs === 0;
    const record = this.#recordOf(open);
    if (isDue) this.watch.publishNow(record);
    const left = { ...record, life: 0, will: null, endsAt: Math.floor(this.ports.wall() + open.expiryMs) };
    this.book.write(clientId, { ...left, endsAt: open.expiryMs === Infinity ? 0 : left.endsAt });
  }

  #tellTaken(open: OpenSession): void {
    this.takenOver++;
    open.handler.onTaken(taken(open.clientId));
    open.isVoid = true;
    this.#open.delete(open.clientId);
  }

  #ask(opening: Opening, owner: string): void {
    const { clientId, clean } = opening.spec;
    const node = this.ports.reachable(owner);
    if (node === undefined) {
      const record = this.book.get(clientId);
      // Nothing of it outlives its connection, which learns that there is another.
      if (record !== null && record.expiryMs === 0 && refsOf(record).length === 0) {
        this.watch.publishNow(record);
        this.#begin(opening, null, NOTHING);
      } else this.openings.refuse(opening, away(clientId, owner));
      return;
    }
    if (++opening.hops > SESSION_HOPS_MAX) {
      this.openings.refuse(opening, away(clientId, owner));
      return;
    }
    opening.asked = node;
    opening.request = ++this.#requests;
    this.ports.send(node, SESSION_CONTROL.take, writeTake(opening.request, clientId, clean));
  }

  /** @param record of the one that there was; its client has left it */
  #begin(opening: Opening, record: SessionRecord | null, state: Buffer): void {
    if (opening.isOver) return;
    const { clientId, clean } = opening.spec;
    const wall = this.ports.wall();
    const isThere = record !== null && record.expiryMs > 0 && (record.endsAt === 0 || record.endsAt > wall);
    if (record !== null && isThere && !clean) {
      if (this.openings.admit(opening, record.subscriptions)) this.#opened(opening, record.subscriptions, state, true);
      return;
    }
    // A session that ends has its will published, whatever the delay.
    if (record !== null) this.watch.publishNow(record);
    const refs = record === null ? [] : refsOf(record);
    if (record !== null && record.will !== null) this.book.write(clientId, { ...record, will: null, willAt: 0 });
    this.#endings.end(clientId, refs, () => this.#opened(opening, [], NOTHING, false));
  }

  #opened(opening: Opening, subscriptions: readonly SessionSubscription[], state: Buffer, present: boolean): void {
    if (opening.isOver) return;
    this.openings.forget(opening);
    const { spec, handler } = opening;
    const { clientId, protocol, expiryMs, will } = spec;
    const ports = {
      subscriptionsChanged: this.#setSubscriptions,
      stateChanged: this.#setState,
      stateLate: this.#setLate,
      closed: this.#closed,
    };
    const before = this.book.stampOf(clientId);
    const kept = [present, subscriptions, state] as const;
    const session = new OpenSession(ports, clientId, protocol, handler, ...kept, expiryMs, will, before);
    opening.session = session;
    this.#open.set(clientId, session);
    this.#given.delete(clientId);
    this.#keepState(clientId, state);
    this.book.write(clientId, this.#recordOf(session));
    session.stamp = this.book.stampOf(clientId);
    handler.onOpened(session);
  }

  #recordOf({ protocol, expiryMs, subscriptions, will, replaced }: OpenSession): SessionRecord {
    const { selfName: owner, life } = this.ports;
    return { owner, protocol, replaced, life, expiryMs, endsAt: 0, isEnding: false, subscriptions, will, willAt: 0 };
  }

  // --- what its connection asks ------------------------------------------------------------------------------------------------

  readonly #setSubscriptions = (
    session: OpenSession,
    subscriptions: readonly SessionSubscription[],
    told: Told | undefined,
  ): void => {
    const length = checkRecord({ ...this.#recordOf(session), subscriptions });
    const refusal = this.book.lackOfRoom(session.clientId, length, 0);
    if (refusal !== null && subscriptions.length > session.subscriptions.length) throw refusal;
    session.subscriptions = subscriptions;
    this.#changedHere.add(session);
    if (told !== undefined) this.ports.whenKept(told);
    this.ports.scheduleFlush();
  };

  readonly #setState = ({ clientId }: OpenSession, state: Buffer, told: Told | undefined): void => {
    checkState(state);
    this.#keepState(clientId, Buffer.from(state));
    if (told !== undefined) this.ports.whenKept(told);
  };

  readonly #setLate = ({ clientId }: OpenSession, state: Buffer): void => {
    const record = this.book.get(clientId);
    const isHere = record?.owner === this.ports.selfName && !record.isEnding;
    if (!isHere || this.#open.has(clientId) || this.#given.has(clientId)) return;
    checkState(state);
    this.#keepState(clientId, Buffer.from(state));
  };

  #keepState(clientId: string, state: Buffer): void {
    if (state.length > 0) this.#states.set(clientId, state);
    else if (!this.#states.delete(clientId)) return;
    this.ports.saveState(clientId, () => this.#states.get(clientId) ?? null);
  }

  readonly #closed = (session: OpenSession, will: boolean, expiryMs: number): void => {
    const { clientId } = session;
    if (this.#open.get(clientId) !== session) return;
    this.#open.delete(clientId);
    session.expiryMs = expiryMs;
    this.watch.left(clientId, this.#recordOf(session), this.ports.wall(), will);
  };

  // --- its end -----------------------------------------------------------------------------------------------------------------

  #end(clientId: string, record: SessionRecord): void {
    if (this.#endings.has(clientId)) return;
    this.watch.publishNow(record);
    this.#keepState(clientId, NOTHING);
    const refs = refsOf(record);
    if (refs.length > 0 && !record.isEnding) this.book.write(clientId, { ...record, isEnding: true, will: null });
    this.#endings.end(clientId, refs, () => {
      const now = this.book.get(clientId);
      if (now?.owner === this.ports.selfName && now.life === 0) this.book.write(clientId, null);
    });
  }

  // --- what other nodes say ----------------------------------------------------------------------------------------------------

  /** The table has it otherwise than before, by another node. */
  #changed(clientId: string, record: SessionRecord | null, before: SessionRecord | null): void {
    const { selfName, life } = this.ports;
    const open = this.#open.get(clientId);
    if (record?.owner === selfName) {
      // Its will was published for it by a node that did not see this one, and did not know what has become of it since.
      if (open !== undefined) {
        if (record.life === life) open.will = record.will;
        this.book.write(clientId, this.#recordOf(open));
      } else if (record.life === life) this.watch.left(clientId, record, this.ports.wall(), true);
      return;
    }
    if (open !== undefined) {
      this.#tellTaken(open);
      // Whoever knew of this connection has seen to its will.
      if (record === null || record.replaced < open.stamp) this.watch.publishNow(this.#recordOf(open));
    }
    const mine = open?.subscriptions ?? (before?.owner === selfName ? before.subscriptions : []);
    if (!this.#given.delete(clientId)) this.#endTwin(clientId, mine, record);
    this.#keepState(clientId, NOTHING);
  }

  /** Both had the session for a while: what the other one does not have ends. */
  #endTwin(clientId: string, mine: readonly SessionSubscription[], record: SessionRecord | null): void {
    const kept = new Set(record?.subscriptions.map(({ filter }) => filter));
    const refs = mine.flatMap(({ filter, durable }) => (durable === null || kept.has(filter) ? [] : [durable]));
    if (refs.length > 0) this.#endings.end(clientId, refs, () => undefined);
  }

  /** @throws WireError */
  onControl(origin: NodeId, kind: number, reader: WireReader): void {
    const request = reader.u32();
    if (kind === SESSION_CONTROL.take) this.#give(origin, request, reader.text(), reader.u8() === 1);
    else if (kind === SESSION_CONTROL.taken) this.#onTaken(origin, request, readTaken(reader));
  }

  /** A client of another node wants it. */
  #give(origin: NodeId, request: number, clientId: string, clean: boolean): void {
    const answer = (how: TakeAnswer): void => this.ports.send(origin, SESSION_CONTROL.taken, writeTaken(request, how));
    this.openings.takeOver(clientId);
    this.#takeHere(clientId, clean);
    const record = this.book.get(clientId);
    if (record === null) answer({ how: TAKE.none });
    else if (record.owner !== this.ports.selfName) answer({ how: TAKE.elsewhere, node: record.owner });
    else if (record.isEnding) this.#endings.whenEnded(clientId, () => answer({ how: TAKE.none }));
    else {
      // It goes on there: its will is void, unless it ends with a clean start.
      if (clean) this.watch.publishNow(record);
      const given = { ...record, will: null, willAt: 0 };
      if (record.will !== null) this.book.write(clientId, given);
      this.#given.add(clientId);
      const state = this.#states.get(clientId) ?? NOTHING;
      answer({ how: TAKE.given, stamp: this.book.stampOf(clientId), record: encodeSession(given), state });
    }
  }

  #onTaken(origin: NodeId, request: number, answer: TakeAnswer): void {
    const opening = this.openings.answered(origin, request);
    if (opening === null) return;
    opening.asked = -1;
    if (answer.how === TAKE.given) {
      this.ports.table.clock.saw(answer.stamp);
      this.#begin(opening, decodeSession(answer.record), answer.state);
    } else if (answer.how === TAKE.none || answer.node === this.ports.selfName) this.#begin(opening, null, NOTHING);
    else this.#ask(opening, answer.node);
  }

  onReachable(name: string): void {
    this.watch.back(name);
  }

  onUnreachable(node: NodeId, name: string): void {
    this.openings.lost(node, name);
  }

  // --- time --------------------------------------------------------------------------------------------------------------------

  /** The end of a turn. */
  flush(): void {
    if (this.#changedHere.size === 0) return;
    for (const session of this.#changedHere)
      if (this.#open.get(session.clientId) === session) this.book.write(session.clientId, this.#recordOf(session));
    this.#changedHere.clear();
  }

  tick(now: number): void {
    this.#endings.tick(now);
    this.watch.tick(now);
    this.openings.tick(now, (clientId) => this.book.get(clientId)?.owner ?? this.ports.selfName);
  }

  deadline(): number {
    return Math.min(this.#endings.deadline(), this.watch.deadline(), this.openings.deadline());
  }
}
