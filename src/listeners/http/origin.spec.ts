import type { IncomingHttpHeaders } from 'node:http';
import { admittedOrigin, preflightHeaders, type OriginRule } from './origin';

const RULE: OriginRule = {
  isOurs: (host) => host === undefined || host.startsWith('localhost'),
  origins: ['https://app.example.com'],
};

const admitted = (headers: IncomingHttpHeaders): string | null =>
  admittedOrigin({ host: 'localhost:8081', ...headers }, RULE);

describe('requests', () => {
  it.each<[string, IncomingHttpHeaders, string | null]>([
    ['of what is no browser', {}, null],
    ['of a page of the node itself', { origin: 'http://localhost:8081', 'sec-fetch-site': 'same-origin' }, null],
    ['of a page behind a proxy that speaks TLS', { origin: 'https://localhost:8081' }, null],
    [
      'of a page that the document names',
      { origin: 'https://app.example.com', 'sec-fetch-site': 'cross-site' },
      'https://app.example.com',
    ],
    ['that a user types', { 'sec-fetch-site': 'none' }, null],
  ])('%s are let in', (_who, headers, origin) => expect(admitted(headers)).toBe(origin));

  it.each<[string, IncomingHttpHeaders]>([
    ['of a page of another site', { origin: 'https://evil.example' }],
    ['of a page of another port', { origin: 'http://localhost:3000' }],
    ['of a page in a sandbox, or of a file', { origin: 'null' }],
    ['of an image of another site', { 'sec-fetch-site': 'cross-site' }],
    ['of a page of a neighbouring name', { 'sec-fetch-site': 'same-site' }],
    ['by a name of DNS that is led here', { host: 'evil.example', origin: 'http://evil.example' }],
  ])('%s are refused', (_who, headers) => {
    expect(() => admitted(headers)).toThrow(expect.objectContaining({ code: 'FL_HTTP_ORIGIN', status: 403 }) as Error);
  });
});

it('a preflight allows the headers of messages, and no others', () => {
  const headers = preflightHeaders('https://app.example.com', 'content-type, ce-id, Fairlead-Subject, authorization');
  expect(headers['access-control-allow-headers']).toBe(
    'content-type, idempotency-key, last-event-id, prefer, ce-id, fairlead-subject',
  );
});
