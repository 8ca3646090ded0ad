import { Module } from '@nestjs/common';
import { LinksModule } from '../runtime/links.module';
import { ListenersModule } from '../runtime/listeners.module';
import { MeshModule } from '../runtime/mesh.module';
import { DocsController } from './docs.controller';
import { DrainController } from './drain.controller';
import { LinksController } from './links.controller';
import { NodeController } from './node.controller';
import { NodesController } from './nodes.controller';
import { QueuesController } from './queues.controller';
import { RetainedController } from './retained.controller';
import { ServicesController } from './services.controller';
import { SessionsController } from './sessions.controller';
import { SubscriptionsController } from './subscriptions.controller';

@Module({
  imports: [MeshModule, LinksModule, ListenersModule],
  controllers: [
    NodeController,
    NodesController,
    LinksController,
    QueuesController,
    SubscriptionsController,
    SessionsController,
    RetainedController,
    ServicesController,
    DrainController,
    DocsController,
  ],
})
export class ManagementModule {}
