import 'reflect-metadata';
import { RequestMethod } from '@nestjs/common';
import { ManagementModule } from './management.module';
import { openApi } from './openapi';

type Handler = (...args: never[]) => unknown;

/** The routes of the module's controllers, as Nest knows them. */
function routes(): string[] {
  const controllers = Reflect.getMetadata('controllers', ManagementModule) as readonly { prototype: object }[];
  return controllers.flatMap((controller) => {
    const prefix = String(Reflect.getMetadata('path', controller));
    const { prototype } = controller as { prototype: Record<string, Handler> };
    return Object.getOwnPropertyNames(prototype).flatMap((name) => {
      const method = Reflect.getMetadata('method', prototype[name] as Handler) as RequestMethod | undefined;
      if (method === undefined) return [];
      const path = String(Reflect.getMetadata('path', prototype[name] as Handler));
      const whole = `/${[prefix, path]
        .flatMap((part) => part.split('/'))
        .filter(Boolean)
        .join('/')}`;
      return [`${RequestMethod[method]} ${whole.replace(/:(\w+)/g, '{$1}')}`];
    });
  });
}

it('describes every route below /api/v1, and no other', () => {
  const { paths } = openApi() as { paths: Record<string, Record<string, unknown>> };
  const described = Object.entries(paths).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
  );
  expect(described.sort()).toEqual(
    [
      ...routes().filter((route) => route.includes('/api/v1/')),
      // These are no routes: they end the connection's HTTP.
      'GET /api/v1/expose',
      'GET /api/v1/expose/{token}',
    ].sort(),
  );
  expect(described.length).toBeGreaterThan(5);
});

it('says how a service is exposed', () => {
  expect(openApi()).toMatchObject({
    paths: {
      '/api/v1/expose': {
        get: {
          parameters: [
            { name: 'as', in: 'query', required: true },
            { name: 'upgrade', in: 'header', schema: { const: 'fairlead-expose' } },
          ],
          responses: { 101: {}, 400: {}, 403: {}, 409: {} },
        },
      },
      '/api/v1/expose/{token}': {
        get: { parameters: [{ name: 'token', in: 'path' }, { name: 'upgrade' }], responses: { 101: {}, 404: {} } },
      },
    },
  });
});

it('says which answers there are, and what a change of a link takes', () => {
  expect(openApi()).toMatchObject({
    openapi: '3.1.0',
    paths: {
      '/api/v1/links/{name}': {
        patch: {
          parameters: [{ name: 'name', in: 'path' }],
          requestBody: { content: { 'application/json': { schema: { required: ['cost'] } } } },
          responses: { 200: {}, 400: {}, 404: {}, 409: {} },
        },
      },
    },
  });
});
