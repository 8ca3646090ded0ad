import { Controller, Get, Inject } from '@nestjs/common';
import type { MeshNode } from '../mesh/contract';
import { MESH_NODE } from '../runtime/ports';
import { ServiceManager } from '../runtime/service-manager';
import { serviceRows, type ServicesAnswer } from './service-rows';

@Controller('api/v1/services')
export class ServicesController {
  constructor(
    @Inject(MESH_NODE) private readonly node: MeshNode,
    private readonly services: ServiceManager,
  ) {}

  @Get()
  list(): ServicesAnswer {
    return serviceRows(this.node, this.services.rows());
  }
}
