import { hostGuard, isLoopbackName, isPrivateName } from './host-guard';

const LOOPBACK = [
  undefined,
  '',
  'localhost',
  'localhost:8080',
  'LocalHost',
  'localhost.',
  'node.localhost:1',
  '127.0.0.1',
  '127.9.9.9:80',
  '[::1]:8080',
];
const PRIVATE = [
  '10.0.0.1',
  '203.0.113.7:8080',
  '[2001:db8::1]',
  '[::2]:80',
  'laptop',
  'laptop:8080',
  'xlocalhost',
  'fairlead.shop.svc',
  'fairlead-0.fairlead.shop.svc.cluster.local:8080',
  'ip-10-0-0-1.ec2.internal',
];
const PUBLIC = [
  'evil.example',
  'evil.example.:8080',
  'localhost.evil.example',
  '127.0.0.1.evil.example',
  '10.0.0.1.nip.io',
  'svc.evil.example',
  'evil.cluster.local',
  'printer.local',
  'internal.evil.example',
  '[::1].evil.example',
  '[::1',
  'evil.example:80:80',
  '.',
  ':8080',
];

describe('a node that is bound to loopback', () => {
  const isLetIn = hostGuard(isLoopbackName, ['mesh.example.com']);

  it.each([...LOOPBACK, 'mesh.example.com', 'Mesh.Example.com:443'])('answers to %p', (host) =>
    expect(isLetIn(host)).toBe(true),
  );
  it.each([...PRIVATE, ...PUBLIC, 'x.mesh.example.com'])('does not answer to %p', (host) =>
    expect(isLetIn(host)).toBe(false),
  );
});

describe('a node that is bound to more than loopback', () => {
  const isLetIn = hostGuard(isPrivateName, ['mesh.example.com', 'Box.local']);

  it.each([...LOOPBACK, ...PRIVATE, 'mesh.example.com', 'mesh.example.com:443', 'box.local'])('answers to %p', (host) =>
    expect(isLetIn(host)).toBe(true),
  );
  it.each([...PUBLIC, 'example.com', 'x.mesh.example.com'])('does not answer to %p', (host) =>
    expect(isLetIn(host)).toBe(false),
  );
});
