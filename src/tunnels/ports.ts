import type { Clock } from '../common/ports';
import type { Replicas, Routes } from '../routing/contract';
import type { Streams } from '../streams/contract';
import type { Refusal, Reset } from './contract';
import { REFUSAL, RESET, type TunnelTally } from './contract';

/** What the tunnel layer is built on. */
export interface TunnelPorts {
  readonly clock: Clock;
  readonly routes: Routes;
  readonly replicas: Replicas;
  readonly streams: Streams;
  /** Something is to be done at the end of this turn. */
  readonly scheduleFlush: () => void;
}

/** Counters of the tunnel layer. */
export class TunnelCounters implements TunnelTally {
  opened = 0;
  accepted = 0;
  failed = 0;
  retried = 0;
  bytesIn = 0;
  bytesOut = 0;
  servicesIgnored = 0;
  readonly refusals = new Map<keyof typeof REFUSAL, number>();
  readonly resets = new Map<keyof typeof RESET, number>();

  refused(refusal: Refusal): void {
    count(this.refusals, REFUSAL, refusal);
  }

  reset(reason: Reset): void {
    count(this.resets, RESET, reason);
  }
}

function count<N extends string>(into: Map<N, number>, names: Readonly<Record<N, number>>, value: number): void {
  for (const name of Object.keys(names) as N[]) if (names[name] === value) into.set(name, (into.get(name) ?? 0) + 1);
}
