import type { NodeIdentity } from './contract';

/** State of one link as health and management show it. */
export interface LinkStatus {
  readonly link: number;
  readonly name: string;
  readonly peer: NodeIdentity;
  readonly dialled: boolean;
  readonly state: 'synchronising' | 'up' | 'draining' | 'down';
  readonly cost: number;
  readonly roundTripMs: number | null;
  /** Wall-clock ms of the last change of state. */
  readonly since: number;
  readonly whyDown: string | null;
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly queuedBytes: number;
}
