import { writeFileSync } from 'node:fs';
import { eventually } from '../support/eventually';
import type { FairleadNode } from '../support/fairlead-node';
import { Mesh } from '../support/mesh';

jest.setTimeout(180_000);

/** Past this the neighbour gives a link up. */
const DEAD_S = 1.5;
const KIB = 1024;

function filled(bytes: number, head: string, line: (i: number) => string, tail = ''): string {
  const parts = [head];
  for (let i = 0, length = head.length + tail.length; length < bytes; i++) {
    const next = line(i);
    parts.push(next);
    length += next.length;
  }
  return parts.join('') + tail;
}

/** Bounds of size refuse most of these at once; the others hold a thread up for seconds. */
const DOCUMENTS: readonly (readonly [string, string, RegExp])[] = [
  [
    'more bytes than a document may have',
    filled(2048 * KIB, 'site: a\naddresses:\n', (i) => `- { match: r${i}, kind: topic }\n`),
    /^document: expected at most 1MiB, found more$/,
  ],
  [
    'more rules than a node takes',
    filled(800 * KIB, 'site: a\naddresses:\n', (i) => `- {match: r${i}, kind: topic}\n`),
    /addresses: expected at most 10000 entries, found a list of \d+$/,
  ],
  [
    'more keys than a mapping may have',
    filled(128 * KIB, 'site: a\n', (i) => `k${i}: 1\n`),
    /^document: expected at most 256 keys in a mapping, found more$/,
  ],
  [
    'lists of unknown keys',
    filled(128 * KIB, 'site: a\naddresses:\n', (i) => `- {match: r${i}, kind: topic, k${i}: 1}\n`),
    /addresses\[0\]\.k0: expected a key known in addresses\[0\]/,
  ],
  [
    'nothing but unclosed quotes',
    filled(128 * KIB, 'site: a\n', () => '"\n'),
    /^document: expected at most 256 keys in a mapping, found more$/,
  ],
  [
    'a list of text behind quotes',
    filled(128 * KIB, 'site: a\naddresses:\n', () => '- ""x\n'),
    /document: expected YAML, found Unexpected scalar/,
  ],
  ['nothing but aliases', filled(64 * KIB, 'site: a\na: &a {}\nx: [', () => '*a,', ']'), /the unknown key "a"/],
];

async function metricsOf(node: FairleadNode): Promise<string> {
  return (await fetch(`http://127.0.0.1:${node.httpPort}/metrics`)).text();
}

describe('a document that is slow to check', () => {
  it('is refused by name, and costs no link and no turn of the loop', async () => {
    const mesh = await Mesh.line(['a', 'b']);
    await mesh.start();
    const node = mesh.node('a');
    const [before] = await node.links();
    for (const [what, text, problem] of DOCUMENTS) {
      writeFileSync(node.file, text);
      await eventually(
        `a document of ${what} is refused`,
        async () => {
          const { body } = await node.http('/health/ready');
          const { config } = (body as { details: { config: { problems: string[] } } }).details;
          return problem.test(config.problems[0] ?? '');
        },
        { withinMs: 60_000 },
      );
    }
    const [after] = await node.links();
    expect(after).toMatchObject({ state: 'up', since: before?.since });
    const lag = /^fairlead_event_loop_lag_seconds\{quantile="1"\} (\S+)$/m.exec(await metricsOf(node));
    expect(Number(lag?.[1])).toBeLessThan(DEAD_S / 3);
  });
});
