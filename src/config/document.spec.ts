import { stringify } from 'yaml';
import { documentOf } from './document';
import { parseSite } from './parse';
import type { CompiledSite } from './site';

function read(text: string): CompiledSite {
  return parseSite({ file: 'site.yaml', text, folder: '/etc/fairlead', env: {}, readFile: () => '' });
}

const FULL = `
site: east
node: east-1
dataDir: /var/lib/a$\${b}
insecure: true
defaultKind: anycast
http: { host: 0.0.0.0, port: 0 }
listeners:
  - { name: clients, port: 5673 }
  - { name: six, host: '::', protocol: http, cors: { origins: ['https://app.example.com'] } }
  - { protocol: tcp, port: 9090, address: anycast/shop, idle: 1h }
  - { name: db, protocol: tcp, port: 9091, address: 'anycast://db' }
services: [{ address: anycast/shop, connect: '127.0.0.1:80' }, { address: db, connect: '[::1]:5432', connections: 9 }]
mesh:
  listen: []
  links:
    - { connect: 'amqp://west.example.com:55671' }
    - { name: six, connect: 'amqp://[fd00::1]:55671', cost: 3 }
  hello: 250ms
  dead: 1.5m
  partitionHold: 0s
addresses:
  - { match: 'orders.#', kind: topic, class: high, noSubscriber: release }
  - { match: 'ticks.#', kind: topic, slow: dropOldest }
  - { match: 'slow.#', kind: topic, blockFor: 5s }
  - { match: alerts, kind: multicast, ack: any, ackTimeout: 1500ms }
  - { match: 'quote.*', kind: anycast }
  - { match: 'ask.*', kind: anycast, overflowAt: 7 }
  - { match: 'plain.*', kind: queue }
  - { match: 'news.#', kind: topic, maxDepth: 5, overLimit: dropOldest, maxBytes: 1MiB, ttl: 1h, maxDeliveries: 3, retry: 5s, deadLetter: queue/dlq }
  - { match: 'jobs.*', kind: queue, home: west, custody: ingress, maxDepth: 5, overLimit: block, maxBytes: 1GiB, ttl: 1.5h,
      maxDeliveries: 3, retry: 5s, deadLetter: queue/dlq, duplicateWindow: 10m, exclusive: true, locality: prefer }
limits: { connections: 5, messageBytes: 1500B, ingressPool: 1.5MiB }
log: { level: warn, format: text }
`;

it.each([
  ['of nothing but the site', 'site: east'],
  ['that uses every key', FULL],
])('a document %s is written so that reading it gives the same site', (_what, text) => {
  const site = read(text);
  expect(read(stringify(documentOf(site)))).toEqual(site);
  expect(read(JSON.stringify(documentOf(site)))).toEqual(site);
});

it('has the keys, durations and sizes that a user writes', () => {
  expect(documentOf(read('site: east'))).toMatchObject({
    mesh: { hello: '500ms', partitionHold: '2m' },
    limits: { messageBytes: '100MiB' },
  });
});
