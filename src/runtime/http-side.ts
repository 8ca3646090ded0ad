import type { AddressInfo } from 'node:net';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Bind } from '../config/site';
import { PortInUseError } from './errors';
import type { HttpSide } from './site-runtime';

/** Nest's HTTP server as the runtime sees it. */
export function httpSideOf(app: NestFastifyApplication): HttpSide {
  return {
    listen: async (bind: Bind): Promise<Bind> => {
      try {
        await app.listen({ host: bind.host, port: bind.port });
      } catch (error) {
        throw new PortInUseError('http', bind, error);
      }
      const { port } = (app.getHttpServer() as { address(): AddressInfo }).address();
      return { host: bind.host, port };
    },
    close: () => app.close(),
  };
}
