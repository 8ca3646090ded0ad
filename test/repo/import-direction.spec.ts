import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const ROOT = join(__dirname, '../..');
const VALUE = 'export const x = 1;\n';

interface Report {
  summary: { violations: { from: string; to: string; rule: { name: string; severity: string } }[] };
}

function use(from: string): string {
  return `import * as used from '${from}';\nexport const y = used;\n`;
}

/** Our rules over a folder that is not ours: broken rules by the file that breaks them. */
async function cruise(folder: string): Promise<Map<string, Set<string>>> {
  const tool = join(ROOT, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
  const args = [tool, '--config', join(ROOT, '.dependency-cruiser.cjs'), '--output-type', 'json', 'src'];
  const json = await new Promise<string>((resolve, reject) => {
    // The tool exits with the number of violations, so its exit code is not asked here.
    execFile(process.execPath, args, { cwd: folder, maxBuffer: 1 << 26 }, (_error, stdout, stderr) => {
      if (stdout) resolve(stdout);
      else reject(new Error(stderr));
    });
  });
  const broken = new Map<string, Set<string>>();
  for (const { from, rule } of (JSON.parse(json) as Report).summary.violations) {
    broken.set(from, (broken.get(from) ?? new Set()).add(`${rule.severity} ${rule.name}`));
  }
  return broken;
}

/** `from` imports `to`: against the direction, all of them. */
const BACKWARD: [from: string, to: string][] = [
  ['common', 'amqp'],
  ['amqp', 'message'],
  ['amqp', 'links'],
  ['links', 'routing'],
  ['routing', 'streams'],
  ['streams', 'addresses'],
  ['store', 'mesh'],
  ['addresses', 'listeners'],
  ['listeners', 'bridges'],
  ['links', 'config'],
  ['bridges', 'management'],
];
const FORWARD: [from: string, to: string][] = [
  ['amqp', 'common'],
  ['message', 'amqp'],
  ['links', 'message'],
  ['addresses', 'store'],
  ['listeners', 'amqp'],
  ['cli', 'config'],
  ['config', 'addresses'],
];
const ACTING = ['net', 'node:net', 'node:timers', 'node:fs', 'node:worker_threads'];
const planted = (from: string, to: string): string => `src/${from}/uses-${to.replace(/\W/g, '-')}.ts`;

/** One tree with every case, because starting the tool takes longer than what it does. */
const FILES: Record<string, string> = {
  ...Object.fromEntries([...BACKWARD, ...FORWARD].map(([, to]) => [`src/${to}/x.ts`, VALUE])),
  ...Object.fromEntries([...BACKWARD, ...FORWARD].map(([from, to]) => [planted(from, to), use(`../${to}/x`)])),
  ...Object.fromEntries(ACTING.map((builtin) => [planted('routing', builtin), use(builtin)])),
  'src/routing/computes.ts': use('node:buffer'),
  'src/links/dials.ts': use('node:net'),
  'src/streams/types-only.ts': "import type { x } from '../config/x';\nexport type Y = typeof x;\n",
  'src/config/x.ts': VALUE,
  'src/addresses/framework.ts': use('@nestjs/common'),
  'src/listeners/uses-rhea.ts': use('rhea'),
  'src/links/one.ts': `import './other';\n${VALUE}`,
  'src/links/other.ts': `import './one';\n${VALUE}`,
  'src/helpers/a.ts': use('./b'),
  'src/helpers/b.ts': VALUE,
};

describe('import direction', () => {
  let folder: string;
  let broken: Map<string, Set<string>>;

  const rulesBrokenBy = (file: string): string[] => [...(broken.get(file) ?? [])].sort();

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'fairlead-imports-'));
    for (const [path, text] of Object.entries(FILES)) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), text);
    }
    broken = await cruise(folder);
  }, 60_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it.each(FORWARD)('lets %s import %s', (from, to) => {
    expect(rulesBrokenBy(planted(from, to))).toEqual([]);
  });

  it.each(BACKWARD)('reports %s when it imports %s', (from, to) => {
    expect(rulesBrokenBy(planted(from, to))).toEqual([`error import-direction-${from}`]);
  });

  it('reports an import of types alone', () => {
    expect(rulesBrokenBy('src/streams/types-only.ts')).toEqual(['error import-direction-streams']);
  });

  it.each(ACTING)('reports the core when it imports %s', (builtin) => {
    expect(rulesBrokenBy(planted('routing', builtin))).toEqual(['error core-is-pure']);
  });

  it('lets the core compute and the edges act', () => {
    expect([rulesBrokenBy('src/routing/computes.ts'), rulesBrokenBy('src/links/dials.ts')]).toEqual([[], []]);
  });

  it('reports the core when it imports a framework', () => {
    expect(rulesBrokenBy('src/addresses/framework.ts')).toContain('error core-has-no-packages');
  });

  it('reports rhea outside the cold codec', () => {
    expect(rulesBrokenBy('src/listeners/uses-rhea.ts')).toContain('error rhea-stays-in-the-cold-codec');
  });

  it('reports two files that need each other', () => {
    expect(rulesBrokenBy('src/links/one.ts')).toEqual(['error no-circle']);
  });

  it('reports a folder that has no layer', () => {
    expect(rulesBrokenBy('src/helpers/a.ts')).toEqual(['error every-folder-has-a-layer']);
  });
});
