import { Module } from '@nestjs/common';
import type { Journal } from '../common/ports';
import { JOURNAL } from '../config/config.module';
import { LiveConfig } from '../config/live-config';
import type { MeshNode } from '../mesh/contract';
import { LinkManager } from './link-manager';
import { MeshModule } from './mesh.module';
import { NODE_PARTS, type NodeParts } from './node-parts';
import { MESH_NODE, MESH_WIRE, type MeshWire } from './ports';
import { TurnScheduler } from './turn-scheduler';

const wire = {
  provide: MESH_WIRE,
  inject: [MESH_NODE, NODE_PARTS, LiveConfig, JOURNAL, TurnScheduler],
  useFactory: (
    node: MeshNode,
    parts: NodeParts,
    { site }: LiveConfig,
    journal: Journal,
    { connections }: TurnScheduler,
  ) => parts.createWire(node, { site, journal, connections }),
};

const manager = {
  provide: LinkManager,
  inject: [MESH_NODE, MESH_WIRE, JOURNAL],
  useFactory: (node: MeshNode, meshWire: MeshWire, journal: Journal) => new LinkManager(node, meshWire, journal),
};

@Module({ imports: [MeshModule], providers: [wire, manager], exports: [LinkManager] })
export class LinksModule {}
