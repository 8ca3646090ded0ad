import { Body, Controller, HttpCode, Inject, Post } from '@nestjs/common';
import type { MeshNode } from '../mesh/contract';
import { ON_DRAIN, type OnDrain } from '../runtime/node-parts';
import { MESH_NODE } from '../runtime/ports';
import { Evacuation, type EvacuationRow } from './evacuation';
import { readRequest } from './read-request';
import { EvacuationIncompleteError } from './request-error';
import { DRAIN } from './schemas';

export interface DrainAnswer {
  /** Ending: the node hands over what is in flight, and its process ends. */
  readonly state: 'evacuating' | 'ending';
  readonly queues: readonly EvacuationRow[];
}

/** Ends a node, with its queues moved to others before where that is asked for. */
@Controller('api/v1/drain')
export class DrainController {
  #evacuation: Evacuation | null = null;

  constructor(
    @Inject(MESH_NODE) private readonly node: MeshNode,
    @Inject(ON_DRAIN) private readonly onDrain: OnDrain,
  ) {}

  /** Begins, and tells how far it is; asked again it goes on. */
  @Post()
  @HttpCode(200)
  drain(@Body() body: unknown): DrainAnswer {
    const { evacuate, to = null } = readRequest(DRAIN, body);
    const queues = evacuate === true ? this.#evacuate(to) : [];
    if (queues === null) return { state: 'evacuating', queues: this.#evacuation?.look() ?? [] };
    // What this answers is on its way by then.
    setImmediate(() => this.onDrain());
    return { state: 'ending', queues };
  }

  /** @returns null while it is not over @throws EvacuationIncompleteError */
  #evacuate(to: string | null): readonly EvacuationRow[] | null {
    if (this.#evacuation?.to !== to) this.#evacuation = new Evacuation(this.node, to);
    const evacuation = this.#evacuation;
    const rows = evacuation.look();
    if (!evacuation.isOver) return null;
    const { failed } = evacuation;
    // Whoever asks again wants it to be tried again.
    if (failed.length > 0) this.#evacuation = null;
    if (failed.length > 0)
      throw new EvacuationIncompleteError(
        failed.map(({ queue, why }) => `${queue}: ${why ?? ''}`),
        rows.filter(({ state }) => state === 'moved').map(({ queue, to }) => `${queue} to ${to ?? ''}`),
      );
    return rows;
  }
}
