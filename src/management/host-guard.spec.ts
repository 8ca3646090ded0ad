import { isLocalHostHeader } from './host-guard';

it.each([
  undefined,
  '',
  'localhost',
  'localhost:8080',
  'LocalHost',
  'node.localhost:1',
  '127.0.0.1',
  '127.9.9.9:80',
  '[::1]:8080',
])('%p is this machine', (host) => expect(isLocalHostHeader(host)).toBe(true));

it.each(['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', '10.0.0.1', '[::2]:80', 'xlocalhost'])(
  '%p is not',
  (host) => expect(isLocalHostHeader(host)).toBe(false),
);
