import { Controller, Delete, Get, Inject, Param, Query } from '@nestjs/common';
import type { SessionHandler } from '../addresses/client-contract';
import type { MeshNode } from '../mesh/contract';
import { MESH_NODE } from '../runtime/ports';
import { sessionRow, type SessionRow, type SessionsAnswer } from './client-rows';
import { PAGE } from './client-schemas';
import { readRequest } from './read-request';
import { SessionNotFoundError } from './request-error';

/** Sessions of the clients of the mesh. */
@Controller('api/v1/sessions')
export class SessionsController {
  constructor(@Inject(MESH_NODE) private readonly node: MeshNode) {}

  @Get()
  list(@Query() query: unknown): SessionsAnswer {
    const { after, count } = readRequest(PAGE, query);
    const { rows, next } = this.node.clientRecords.sessions(after, count);
    return { sessions: rows.map(sessionRow), next };
  }

  @Get(':client')
  one(@Param('client') client: string): SessionRow {
    const view = this.node.clientRecords.session(client);
    if (view === null) throw new SessionNotFoundError(client);
    return sessionRow(view);
  }

  /**
   * Ends a session wherever it is, as a client does that begins anew and goes: its connection ends, so do its durable subscriptions with all
   * that they hold, and its will is published. @returns what it was
   */
  @Delete(':client')
  end(@Param('client') client: string): Promise<SessionRow> {
    const row = this.one(client);
    return new Promise((resolve, reject) => {
      const handler: SessionHandler = {
        onOpened: (session) => {
          session.close(false);
          resolve(row);
        },
        onRefused: reject,
        onTaken: reject,
        inFlight: () => 0,
      };
      const { protocol } = row;
      this.node.clients.openSession({ clientId: client, protocol, clean: true, expiryMs: 0, will: null }, handler);
    });
  }
}
