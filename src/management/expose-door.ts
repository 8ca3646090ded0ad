import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';
import { FairleadError } from '../common/errors';
import type { CompiledSite } from '../config/site';
import type { ExposedServices } from '../listeners/tcp/exposed-services';
import { EXPOSE_PROTOCOL } from './expose-protocol';
import { siteHostGuard } from './host-guard';

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
      refuse(socket, 400, 'FL_REQUEST_INVALID', `upgrade: expected ${EXPOSE_PROTOCOL}`);
    else serve(request, socket, exposed);
  });
}

/** Any origin does: only what stands behind it counts. */
const ORIGIN = 'http://node';

function serve({ method, url = '/' }: IncomingMessage, socket: Socket, exposed: ExposedServices): void {
  // What begins with two slashes would name another origin, and not every text is a URL.
  if (method !== 'GET' || !url.startsWith('/') || !URL.canParse(ORIGIN + url)) {
    refuse(socket, 400, 'FL_REQUEST_INVALID', 'expected GET /api/v1/expose?as=NAME or GET /api/v1/expose/TOKEN');
    return;
  }
  const { pathname, searchParams } = new URL(ORIGIN + url);
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
