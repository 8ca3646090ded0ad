import type { AddressRule } from '../mesh/contract';
import type { CompiledSite } from '../config/site';
import type { ConfigStatus } from '../config/live-config';
import type { Phase } from '../runtime/lifecycle';

/** What the management API answers; the command line reads the same types. */

export interface StatusAnswer {
  readonly node: string;
  readonly site: string;
  readonly incarnation: number;
  readonly version: string;
  readonly phase: Phase;
  readonly since: string;
  readonly links: { readonly up: number; readonly total: number };
  /** Of the mesh, this one too. */
  readonly nodes: {
    readonly reachable: number;
    readonly total: number;
    /** Of those within reach. */
    readonly names: readonly string[];
    readonly unreachable: readonly string[];
  };
  /** Of clients, on all listeners. */
  readonly connections: number;
  readonly messages: {
    readonly published: number;
    readonly delivered: number;
    /** By reason. */
    readonly dropped: Readonly<Record<string, number>>;
  };
  readonly config: ConfigStatus['state'];
  readonly restartNeeded: ConfigStatus['restartNeeded'];
}

/** A rule that holds in the mesh. */
export interface RuleAnswer extends AddressRule {
  /** The nodes whose documents say just that. */
  readonly saidBy: readonly string[];
}

export interface AddressesAnswer {
  readonly defaultKind: CompiledSite['defaultKind'];
  readonly rules: readonly RuleAnswer[];
  readonly conflicts: readonly string[];
}

export interface ConfigAnswer {
  readonly status: ConfigStatus;
  readonly site: CompiledSite;
}
