import { IntMap } from '../../common/int-map';

/** How far a message of QoS 1 or 2 that a client publishes has come: the mesh has it, or has accepted it and the client has not released it. */
export const STATE = { publishing1: 1, received: 2, publishing2: 3 } as const;

/** States by packet id. */
export class PublishStates extends IntMap {
  setAll(ids: readonly number[], state: number): void {
    for (const id of ids) this.set(id, state);
  }

  idsOf(wanted: number): number[] {
    const ids: number[] = [];
    this.forEachSorted((id, state) => {
      if (state === wanted) ids.push(id);
    });
    return ids;
  }
}
