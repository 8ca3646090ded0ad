import { Controller, Get, Inject } from '@nestjs/common';
import type { MeshNode } from '../mesh/contract';
import { MESH_NODE } from '../runtime/ports';
import { type NodeRow, nodeRows } from './node-rows';

@Controller('api/v1/nodes')
export class NodesController {
  constructor(@Inject(MESH_NODE) private readonly node: MeshNode) {}

  @Get()
  list(): { nodes: NodeRow[] } {
    return { nodes: nodeRows(this.node) };
  }
}
