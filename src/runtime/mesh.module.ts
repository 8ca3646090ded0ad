import { randomBytes } from 'node:crypto';
import { Module } from '@nestjs/common';
import type { Clock, Journal, Random } from '../common/ports';
import { JOURNAL } from '../config/config.module';
import { LiveConfig } from '../config/live-config';
import { meshLimitsOf } from '../config/site';
import { nodeIdOf } from '../links/contract';
import { ClientStore } from '../store/client-store';
import { NodeState } from '../store/node-state';
import { LmdbQueueStore } from '../store/queue-store';
import { Spool } from '../store/spool';
import { probeQueueStore, probeStore } from '../store/store-probe';
import { DataDirLostError, NodeNameInUseError } from './errors';
import { NODE_PARTS, type NodeParts, ON_FATAL, type OnFatal } from './node-parts';
import { MESH_NODE } from './ports';
import { TurnScheduler } from './turn-scheduler';

const CLOCK: Clock = { now: () => performance.now(), wall: () => Date.now() };
const RANDOM: Random = { u32: () => randomBytes(4).readUInt32BE() };

const state = {
  provide: NodeState,
  inject: [LiveConfig, JOURNAL, ON_FATAL],
  useFactory: ({ site }: LiveConfig, journal: Journal, onFatal: OnFatal) =>
    NodeState.open(site.dataDir, {
      journal,
      probe: probeStore,
      onLost: (owner) => onFatal(new DataDirLostError(site.dataDir, owner)),
    }),
};

const queues = {
  provide: LmdbQueueStore,
  // Behind the state, which holds the lock of the folder.
  inject: [NodeState, JOURNAL],
  useFactory: ({ folder }: NodeState, journal: Journal) =>
    LmdbQueueStore.open(folder, { journal, probe: probeQueueStore }),
};

const clients = {
  provide: ClientStore,
  // Behind the state, which holds the lock of the folder.
  inject: [NodeState],
  useFactory: ({ folder }: NodeState) => ClientStore.open(folder, probeStore),
};

const spool = {
  provide: Spool,
  // The state first: it holds the lock of the folder that the spool cleans.
  inject: [NodeState],
  useFactory: ({ folder }: NodeState) => new Spool(folder),
};

const node = {
  provide: MESH_NODE,
  inject: [LiveConfig, JOURNAL, NODE_PARTS, NodeState, LmdbQueueStore, ClientStore, Spool, TurnScheduler, ON_FATAL],
  useFactory: (
    { site }: LiveConfig,
    journal: Journal,
    parts: NodeParts,
    durable: NodeState,
    queueStore: LmdbQueueStore,
    clientDisk: ClientStore,
    files: Spool,
    turns: TurnScheduler,
    onFatal: OnFatal,
  ) => {
    const { incarnation, lastRun } = durable;
    const meshNode = parts.createNode({
      identity: { id: nodeIdOf(site.node), name: site.node, site: site.site, incarnation },
      rules: site.addresses,
      defaultKind: site.defaultKind,
      limits: meshLimitsOf(site),
      clock: CLOCK,
      random: RANDOM,
      journal,
      spool: files,
      durable,
      lastRun,
      queueStore,
      clientDisk,
      scheduleFlush: turns.schedule,
      onWithdrawn: (reason) => onFatal(new NodeNameInUseError(reason)),
    });
    turns.attach(meshNode);
    return meshNode;
  },
};

@Module({
  providers: [state, queues, clients, spool, node],
  exports: [NodeState, LmdbQueueStore, ClientStore, Spool, MESH_NODE],
})
export class MeshModule {}
