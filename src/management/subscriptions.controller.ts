import { Controller, Delete, Get, Inject, Param } from '@nestjs/common';
import type { MeshNode } from '../mesh/contract';
import { MESH_NODE } from '../runtime/ports';
import { SubscriptionNotDurableError, SubscriptionNotFoundError } from './request-error';
import { type SubscriptionRow, type SubscriptionsAnswer, subscriptionRows } from './subscription-rows';

/** Subscriptions of the mesh that are durable, or shared. What one holds is in its queue. */
@Controller('api/v1/subscriptions')
export class SubscriptionsController {
  constructor(@Inject(MESH_NODE) private readonly node: MeshNode) {}

  @Get()
  list(): SubscriptionsAnswer {
    return { subscriptions: this.#rows() };
  }

  /** Ends a durable one that nobody consumes, with all that it holds, wherever it lives. @returns what it was */
  @Delete(':queue')
  end(@Param('queue') queue: string): Promise<SubscriptionRow> {
    const row = this.#rows().find((one) => one.queue === queue);
    if (row === undefined) throw new SubscriptionNotFoundError(queue);
    const { name, client } = row;
    if (!row.durable) throw new SubscriptionNotDurableError(name);
    return new Promise((resolve, reject) =>
      this.node.addresses.unsubscribe({ name, client }, (error) => {
        if (error === null) resolve(row);
        else reject(error);
      }),
    );
  }

  #rows(): SubscriptionRow[] {
    return subscriptionRows(this.node.addresses.subscriptions(), this.node.queues.views());
  }
}
