import { Controller, Delete, Get, Inject, Param, Query } from '@nestjs/common';
import type { MeshNode } from '../mesh/contract';
import { MESH_NODE } from '../runtime/ports';
import {
  type RetainedAnswer,
  type RetainedMessageRow,
  retainedMessageRow,
  type RetainedRow,
  retainedRow,
} from './client-rows';
import { PAGE } from './client-schemas';
import { readRequest } from './read-request';
import { RetainedNotFoundError } from './request-error';

const NOTHING = Buffer.alloc(0);

/** Messages that topics keep for those who subscribe later. */
@Controller('api/v1/retained')
export class RetainedController {
  constructor(@Inject(MESH_NODE) private readonly node: MeshNode) {}

  @Get()
  list(@Query() query: unknown): RetainedAnswer {
    const { after, count } = readRequest(PAGE, query);
    const { rows, next } = this.node.clientRecords.retainedPage(after, count);
    return { retained: rows.map(retainedRow), next };
  }

  @Get(':topic')
  one(@Param('topic') topic: string): RetainedMessageRow {
    const view = this.node.clientRecords.retainedOf(topic);
    if (view === null) throw new RetainedNotFoundError(topic);
    return retainedMessageRow(view);
  }

  /** Clears the topic in the whole mesh; nobody is sent anything by that. @returns what it kept, once that is on this node's disk */
  @Delete(':topic')
  clear(@Param('topic') topic: string): Promise<RetainedRow> {
    const { message: _message, ...row } = this.one(topic);
    return new Promise((resolve, reject) =>
      this.node.clients.retain({ kind: 'topic', name: topic }, NOTHING, 0, 0, (error) => {
        if (error === null) resolve(row);
        else reject(error);
      }),
    );
  }
}
