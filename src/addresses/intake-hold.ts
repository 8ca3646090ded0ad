import { INTAKE_HOLD_MS } from './limits';
import type { RehomingPorts } from './rehoming-ports';

/** Lets what is put to this node's subscriptions wait for a moment: until the last that came before is on the disk. */
export class IntakeHold {
  /** When it ends at the latest; Infinity while nothing waits. */
  until = Infinity;
  /** It does not begin again before that: a disk that takes long must not hold up all that is put. */
  #notBefore = 0;

  constructor(private readonly ports: Pick<RehomingPorts, 'clock' | 'host'>) {}

  begin(): void {
    const now = this.ports.clock.now();
    if (this.until < Infinity || now < this.#notBefore) return;
    this.until = now + INTAKE_HOLD_MS;
    this.#notBefore = this.until + INTAKE_HOLD_MS;
    this.ports.host.moves.hold(true);
  }

  review(): void {
    if (this.ports.clock.now() >= this.until) this.#release();
  }

  /** What was waited for has come. */
  end(): void {
    if (this.until === Infinity) return;
    this.#notBefore = 0;
    this.#release();
  }

  #release(): void {
    this.until = Infinity;
    this.ports.host.moves.hold(false);
  }
}
