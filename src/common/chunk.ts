import { invariant } from './errors';

/** Memory that goes back to where it is from once nobody holds what lies in it. */
export interface Loan {
  giveBack(): void;
}

const NOTHING: Buffer = Buffer.alloc(0);

/**
 * A counted share of memory: bytes that several holders (streams, lanes, pending deliveries) keep until the last one lets go.
 * The pool it came from is charged for its whole capacity exactly as long as it is held.
 */
export class Chunk {
  refs = 1;
  #length = 0;
  #bytes: Buffer;
  #charged: number;
  /** Its bytes lie in a staging buffer. */
  #staged: boolean;
  #loan: Loan | null = null;

  constructor(
    bytes: Buffer,
    private readonly pool: ChunkPool | null,
    charged: number,
    staged = false,
  ) {
    this.#bytes = bytes;
    this.#charged = charged;
    this.#staged = staged;
  }

  /** Bytes written so far; holders never read past it. */
  get length(): number {
    return this.#length;
  }

  get bytes(): Buffer {
    return this.#bytes;
  }

  /** So much has been written by now. */
  fill(length: number): void {
    if (this.#staged) this.pool?.stageMore(length - this.#length);
    this.#length = length;
  }

  /**
   * Moves the contents to their final, exactly sized buffer; offsets stay the same.
   * @param loan what that buffer is a part of, if it is to be used again
   */
  moveTo(bytes: Buffer, loan: Loan | null = null): void {
    this.#unstage();
    this.#loan = loan;
    this.pool?.recharge(this.#charged, bytes.length);
    this.#charged = bytes.length;
    this.#bytes = bytes;
    this.#length = bytes.length;
  }

  #unstage(): void {
    if (this.#staged) this.pool?.stageMore(-this.#length);
    this.#staged = false;
  }

  retain(): this {
    this.refs++;
    return this;
  }

  /** True when a part of that length is so small that it had better be copied than hold all of this for longer than a turn. */
  dwarfs(length: number): boolean {
    return length * SMALL_PART < this.#bytes.length;
  }

  release(): void {
    invariant(this.refs > 0, 'chunk released more often than retained');
    if (--this.refs > 0) return;
    this.#unstage();
    this.pool?.discharge(this.#charged);
    if (this.#loan !== null) this.#giveBack(this.#loan);
  }

  /** Who reads on finds nothing, and not what somebody else writes there. */
  #giveBack(loan: Loan): void {
    this.#bytes = NOTHING;
    this.#loan = null;
    loan.giveBack();
  }
}

/** A part counts as small below this share of its chunk: what is held of chunks is then at most so many times what waits. */
const SMALL_PART = 4;

/** A fixed budget of bytes. It never refuses: its users look at `free` before they promise anything (credit, windows). */
export class ChunkPool {
  #used = 0;
  #staged = 0;

  /**
   * @param name told in metrics
   * @param capacity bytes
   */
  constructor(
    readonly name: string,
    readonly capacity: number,
  ) {}

  get used(): number {
    return this.#used;
  }

  get free(): number {
    return this.capacity - this.#used;
  }

  /** What is free, less what lies in staging buffers by now and will be charged when their turn ends. */
  get spare(): number {
    return this.capacity - this.#used - this.#staged;
  }

  /** An empty chunk whose bytes live in a staging buffer of its user until `moveTo`; charged from then on. */
  stage(staging: Buffer): Chunk {
    return new Chunk(staging, this, 0, true);
  }

  stageMore(bytes: number): void {
    this.#staged += bytes;
  }

  /** A chunk of at least `bytes` capacity, held once. */
  allocate(bytes: number): Chunk {
    this.#used += bytes;
    return new Chunk(Buffer.allocUnsafe(bytes), this, bytes);
  }

  /** Takes over bytes somebody else made (a received frame's body, already copied out of its socket chunk). */
  adopt(bytes: Buffer, loan: Loan | null = null): Chunk {
    const chunk = new Chunk(bytes, this, 0);
    chunk.moveTo(bytes, loan);
    return chunk;
  }

  recharge(from: number, to: number): void {
    this.#used += to - from;
  }

  discharge(bytes: number): void {
    this.#used -= bytes;
    invariant(this.#used >= 0, `pool ${this.name} discharged below zero`);
  }
}
