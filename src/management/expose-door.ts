import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import { FairleadError } from '../common/errors';
import type { CompiledSite } from '../config/site';
import type { ExposedServices } from '../listeners/tcp/exposed-services';
import { siteHostGuard } from './host-guard';

/** What the connections of `fairlead expose` ask to become: no browser can. */
export const EXPOSE_PROTOCOL = 'fairlead-expose';

/** `GET /api/v1/expose?as=NAME` offers a service, `GET /api/v1/expose/TOKEN` fetches one of its callers. */
export function serveExpose(
  server: Server,
  site: Pick<CompiledSite, 'http' | 'site' | 'node'>,
  exposed: ExposedServices,
): void {
  const { isOurs } = siteHostGuard(site.http.host, site);
  server.on('upgrade', (request: IncomingMessage, socket: Socket, head: Buffer) => {
    socket.on('error', () => undefined);
    if (head.length > 0) socket.unshift(head);
    const { host, upgrade, origin } = request.headers;
    if (!isOurs(host) || origin !== undefined) refuse(socket, 403, 'FL_HOST_REFUSED', 'this is not for web pages');
    else if (upgrade !== EXPOSE_PROTOCOL)
      refuse(socket, 400, 'FL_REQUEST_INVALID', `only ${EXPOSE_PROTOCOL} is spoken`);
    else serve(request, socket, exposed);
  });
}

function serve({ url = '/' }: IncomingMessage, socket: Socket, exposed: ExposedServices): void {
  const { pathname, searchParams } = new URL(url, 'http://node');
  const accepted = (): void =>
    void socket.write(`HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: ${EXPOSE_PROTOCOL}\r\n\r\n`);
  const token = /^\/api\/v1\/expose\/([0-9a-f]{32})$/.exec(pathname)?.[1];
  try {
    if (token !== undefined) {
      if (!exposed.fetch(token, socket, accepted)) refuse(socket, 404, 'FL_NOT_FOUND', 'nobody waits by that token');
    } else if (pathname === '/api/v1/expose') exposed.offer(searchParams.get('as') ?? '', socket, accepted);
    else refuse(socket, 404, 'FL_NOT_FOUND', `no ${pathname}`);
  } catch (error) {
    if (!(error instanceof FairleadError)) throw error;
    refuse(socket, 409, error.code, error.message);
  }
}

function refuse(socket: Socket, status: number, code: string, detail: string): void {
  const body = JSON.stringify({ type: 'about:blank', title: 'Refused', status, code, detail });
  const head = `HTTP/1.1 ${status} Refused\r\nconnection: close\r\ncontent-type: application/problem+json\r\n`;
  socket.end(`${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`, () => socket.destroy());
}
