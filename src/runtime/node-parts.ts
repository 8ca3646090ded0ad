import type { ClientSpace } from '../addresses/client-contract';
import type { AddressSpace } from '../addresses/contract';
import type { Journal } from '../common/ports';
import type { CompiledSite } from '../config/site';
import type { MeshNode, MeshNodeOptions } from '../mesh/contract';
import type { FlushQueue } from '../transport/flush-queue';
import type { TunnelSpace } from '../tunnels/contract';
import type { ListenerFactory, MeshWire, ServiceFactory } from './ports';

/** What parts need beside the mesh node. */
export interface PartContext {
  readonly site: CompiledSite;
  readonly journal: Journal;
  /** Connections that write at the end of the node's turn. */
  readonly connections: FlushQueue;
}

/** What listeners need beside addresses. */
export interface ListenerContext extends PartContext {
  readonly clients: ClientSpace;
}

/** How the parts of a node are made; `main.ts` names the real ones, tests give others. */
export interface NodeParts {
  createNode(options: MeshNodeOptions): MeshNode;
  createWire(node: MeshNode, context: PartContext): MeshWire;
  createListeners(addresses: AddressSpace, context: ListenerContext, tunnels: TunnelSpace): ListenerFactory;
  createServices(tunnels: TunnelSpace, journal: Journal): ServiceFactory;
}

/** What ends a node from within: its name or its data folder belongs to another process. */
export type OnFatal = (error: Error) => void;

/** An operator wants the node to hand over and end. */
export type OnDrain = () => void;

/** Nest tokens. */
export const NODE_PARTS = Symbol('NodeParts');
export const ON_FATAL = Symbol('OnFatal');
export const ON_DRAIN = Symbol('OnDrain');
