import 'reflect-metadata';
import type { Server } from 'node:http';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { NAME_BYTES_MAX } from './addresses/limits';
import { AppModule } from './app.module';
import { LiveConfig } from './config/live-config';
import type { CompiledSite } from './config/site';
import { DocumentWatcher } from './config/watcher';
import { Deadlines } from './listeners/edge/deadlines';
import { ExposedServices } from './listeners/tcp/exposed-services';
import { HeldBytes } from './listeners/tcp/tunnel-pipe';
import { serveExpose } from './management/expose-door';
import { FrontDoor } from './management/front-door';
import { ProblemFilter } from './management/problem.filter';
import type { MeshNode } from './mesh/contract';
import { letHeapGrow } from './runtime/heap';
import { httpSideOf } from './runtime/http-side';
import { Lifecycle } from './runtime/lifecycle';
import { LinkManager } from './runtime/link-manager';
import { ListenerManager } from './runtime/listener-manager';
import { type Logger, NestLog, journalOf } from './runtime/logging';
import type { NodeParts, OnDrain, OnFatal } from './runtime/node-parts';
import { NodeMemory } from './runtime/node-memory';
import { MESH_NODE } from './runtime/ports';
import { ServiceManager } from './runtime/service-manager';
import { SiteRuntime } from './runtime/site-runtime';
import { TurnScheduler } from './runtime/turn-scheduler';
import { ClientStore } from './store/client-store';
import { NodeState } from './store/node-state';
import { LmdbQueueStore } from './store/queue-store';

export interface StartOptions {
  readonly file: string;
  readonly text: string;
  readonly site: CompiledSite;
  readonly logger: Logger;
  readonly parts: NodeParts;
  /** The node cannot go on; the process is to end with this error's exit code. */
  readonly onFatal: OnFatal;
  /** An operator has asked the node to end, as by a signal. */
  readonly onDrain: OnDrain;
}

export interface RunningNode {
  readonly readyLine: string;
  /** Drains and closes within about 5 s; false when something in flight was cut off. */
  stop(): Promise<boolean>;
}

/**
 * Makes a node of a checked document and starts it: store, mesh node, http, listeners, mesh links, ready.
 * @throws FairleadError whose code tells the exit code (data folder or port in use, damaged store)
 */
export async function startNode(options: StartOptions): Promise<RunningNode> {
  const { file, text, site, logger } = options;
  letHeapGrow();
  const app = await createApp(options);
  const runtime = assemble(app, logger);
  const config = app.get(LiveConfig);
  config.attach(runtime);
  const exposed = exposedServices(app, logger);
  const watcher = new DocumentWatcher(file, text, (next) => void config.offer(next));
  try {
    serveExpose(app.getHttpServer() as Server, site, exposed);
    await runtime.start(site, httpSideOf(app));
  } catch (error) {
    await runtime.stop();
    throw error;
  }
  watcher.start();
  const stop = (): Promise<boolean> => {
    watcher.stop();
    exposed.stop();
    return runtime.stop();
  };
  return { readyLine: runtime.readyLine(), stop };
}

async function createApp(options: StartOptions): Promise<NestFastifyApplication> {
  const { file, text, site, logger, parts, onFatal, onDrain } = options;
  const boot = { file, text, site, journal: journalOf(logger) };
  const door = new FrontDoor(site);
  const app = await NestFactory.create<NestFastifyApplication>(
    AppModule.forBoot(boot, parts, onFatal, onDrain),
    new FastifyAdapter({
      forceCloseConnections: true,
      frameworkErrors: door.onFrameworkError,
      // The longest name of a queue, as it is once it is decoded.
      routerOptions: { maxParamLength: NAME_BYTES_MAX },
    }),
    // Fastify reads JSON by itself, and nothing but JSON is taken: Nest would add forms, which a page of another site can send.
    { logger: new NestLog(logger), abortOnError: false, bodyParser: false },
  );
  app.useGlobalFilters(new ProblemFilter((error) => logger.error({ event: 'http-error', err: error })));
  app
    .getHttpAdapter()
    .getInstance()
    .addHook('onRequest', async (request, reply) => void (await door.admit(request, reply)));
  return app;
}

function exposedServices(app: NestFastifyApplication, logger: Logger): ExposedServices {
  const { tunnels } = app.get<MeshNode>(MESH_NODE);
  const journal = journalOf(logger);
  return new ExposedServices({ tunnels, deadlines: new Deadlines(), held: new HeldBytes(), journal });
}

function assemble(app: NestFastifyApplication, logger: Logger): SiteRuntime {
  const turns = app.get(TurnScheduler);
  const node = app.get<MeshNode>(MESH_NODE);
  const journal = journalOf(logger);
  return new SiteRuntime({
    node,
    links: app.get(LinkManager),
    listeners: app.get(ListenerManager),
    services: app.get(ServiceManager),
    memory: new NodeMemory({
      state: app.get(NodeState),
      store: app.get(LmdbQueueStore),
      clients: app.get(ClientStore),
      queues: node.queues,
      journal,
    }),
    lifecycle: app.get(Lifecycle),
    journal,
    setLogLevel: (level) => (logger.level = level),
    stopTurns: () => turns.stop(),
  });
}
