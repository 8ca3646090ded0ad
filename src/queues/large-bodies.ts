import type { LargeBody, OutcomeDetail } from '../streams/contract';
import type { LargeBodies, StagedBody } from './contract';
import type { Group } from './group';
import { LargePut } from './large-put';
import type { LargeStore } from './large-store';
import { SEGMENT_BYTES, SEGMENTS_MAX } from './limits';
import { REFUSAL, refusalDetail, type Refusal } from './refusals';
import type { QueueStore } from './store-port';

/** The host, as large messages of others see it. */
export interface BodiesHome {
  readonly large: LargeStore;
  /** The group of this turn, which has a change now. */
  change(): Group;
  wantsTurn(): void;
}

type Told = (refusal: OutcomeDetail | null) => void;

/** Large messages of others than queues, in the same store; they are written one after the other. */
export class StoredBodies implements LargeBodies {
  readonly #staged: Staged[] = [];

  constructor(
    readonly store: QueueStore,
    readonly home: BodiesHome,
  ) {}

  stage(body: LargeBody, told: Told): StagedBody {
    body.retain();
    const staged = new Staged(this, body, this.home.large.begin(body.length), told);
    this.#staged.push(staged);
    this.home.wantsTurn();
    return staged;
  }

  open(id: number, length: number): LargeBody {
    return this.home.large.open(id, length, (error) => error);
  }

  discard(id: number, length: number): void {
    this.home.large.discard(id, length);
  }

  wantsTurn(): void {
    this.home.wantsTurn();
  }

  turn(): void {
    const [first] = this.#staged;
    if (first === undefined) return;
    if (first.length > SEGMENT_BYTES * SEGMENTS_MAX) first.refuse(REFUSAL.tooLarge);
    else first.turn();
  }

  left(staged: Staged): void {
    this.#staged.splice(this.#staged.indexOf(staged), 1);
    if (this.#staged.length > 0) this.home.wantsTurn();
  }
}

/** One of them. */
class Staged implements StagedBody {
  readonly length: number;
  readonly #put: LargePut;
  #isStored = false;
  /** It failed, or is not wanted any more. */
  #isOver = false;

  constructor(
    private readonly bodies: StoredBodies,
    body: LargeBody,
    readonly id: number,
    private readonly told: Told,
  ) {
    this.length = body.length;
    const home = {
      change: () => bodies.home.change(),
      staged: () => this.#stored(),
      failed: (_put: LargePut, refusal: Refusal) => this.#failed(refusal),
    };
    this.#put = new LargePut(home, null, id, body, 0);
  }

  turn(): void {
    this.#put.turn(this.bodies);
  }

  refuse(refusal: Refusal): void {
    this.#put.abandon(refusal);
  }

  #stored(): void {
    this.#isStored = true;
    this.bodies.left(this);
    this.told(null);
  }

  #failed(refusal: Refusal): void {
    this.#end();
    this.told(refusalDetail(refusal));
  }

  /** Its parts are nobody's. */
  #end(): void {
    this.#isOver = true;
    if (!this.#isStored) this.bodies.left(this);
    this.bodies.discard(this.id, this.length);
  }

  adopt(): void {
    this.bodies.home.large.adopt(this.id);
  }

  abandon(): void {
    if (this.#isOver) return;
    this.#put.drop();
    this.#end();
  }
}
