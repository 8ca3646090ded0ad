import { Controller, Get, Header, Inject } from '@nestjs/common';
import { HealthCheckService } from '@nestjs/terminus';
import { LiveConfig } from '../config/live-config';
import type { MeshNode } from '../mesh/contract';
import { LinkManager } from '../runtime/link-manager';
import { Lifecycle } from '../runtime/lifecycle';
import { MESH_NODE } from '../runtime/ports';
import { NodeState } from '../store/node-state';
import { LmdbQueueStore } from '../store/queue-store';
import {
  configIndicator,
  linkIndicators,
  nodeIndicator,
  outboxIndicator,
  rulesIndicator,
  storeIndicator,
} from './indicators';

/** Answers in the shapes of terminus: 200 when all is up, else 503, and `details` per part. */
@Controller('health')
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly lifecycle: Lifecycle,
    private readonly config: LiveConfig,
    private readonly links: LinkManager,
    private readonly state: NodeState,
    private readonly queues: LmdbQueueStore,
    @Inject(MESH_NODE) private readonly node: MeshNode,
  ) {}

  /** The process turns its event loop; nothing else is asked, so that nobody restarts a node for its neighbour's fault. */
  @Get('live')
  @Header('cache-control', 'no-store')
  live() {
    return this.health.check([() => ({ process: { status: 'up', uptimeSeconds: Math.floor(process.uptime()) } })]);
  }

  @Get('ready')
  @Header('cache-control', 'no-store')
  ready() {
    return this.health.check([
      () => nodeIndicator(this.lifecycle),
      () => configIndicator(this.config.status),
      () => rulesIndicator(this.node.conflicts()),
      () => storeIndicator(this.state.writes, this.queues.state),
      () => outboxIndicator(this.node.outbox()),
    ]);
  }

  @Get('links')
  @Header('cache-control', 'no-store')
  allLinks() {
    return this.health.check(linkIndicators(this.links.rows()));
  }
}
