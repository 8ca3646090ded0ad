import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { REASONS, STATEMENTS } from './mqtt-statements';

const ROOT = resolve(__dirname, '../..');
const PAGE = join(ROOT, 'docs/reference/mqtt-statements.md');
/** With it in the environment the page is written anew. */
const WRITE = process.env['FAIRLEAD_WRITE_DOCS'] === '1';

const ids = Object.entries(STATEMENTS).flatMap(([section, count]) =>
  Array.from({ length: count }, (_, at) => `${section}-${at + 1}`),
);

/** Files whose tests bear ids of statements in their titles. */
function specs(): string[] {
  const below = (folder: string, name: RegExp): string[] =>
    readdirSync(join(ROOT, folder))
      .filter((file) => name.test(file))
      .map((file) => join(ROOT, folder, file));
  return [...below('src/listeners/mqtt', /\.spec\.ts$/), ...below('test/e2e', /^mqtt.*\.spec\.ts$/)].sort();
}

/** Files by the statements that their tests name; what a title says of 3.1.1 is of another standard. */
function covered(): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const file of specs()) {
    for (const [line] of readFileSync(file, 'utf8').matchAll(/^.*\[MQTT-.*$/gm)) {
      if (/of 3\.1\.1|version that is not/.test(line) && !line.includes('[MQTT-3.1.2-2]')) continue;
      for (const [, id = ''] of line.matchAll(/\[MQTT-([\d.]+-\d+)\]/g)) {
        const files = found.get(id) ?? [];
        const name = relative(ROOT, file);
        if (!files.includes(name)) files.push(name);
        found.set(id, files);
      }
    }
  }
  return found;
}

function page(tests: ReadonlyMap<string, readonly string[]>): string {
  const count = ids.filter((id) => tests.has(id)).length;
  const why = (id: string): string =>
    tests
      .get(id)
      ?.map((file) => `\`${file}\``)
      .join(', ') ??
    REASONS[id] ??
    '';
  const table = [['statement', 'tests, or why none'], ...ids.map((id) => [id, why(id)])];
  const widths = [0, 1].map((column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`;
  const [head = [], ...rows] = table;
  return [
    '# Normative statements of MQTT 5',
    '',
    `Each numbered statement \`[MQTT-x.y.z-n]\` of the standard with the tests that name it, or the reason why none does: ${count} of ${ids.length}`,
    'are named by tests. `test/repo/mqtt-statements.spec.ts` writes this page, with `FAIRLEAD_WRITE_DOCS=1`, and holds it against the tests.',
    '',
    line(head),
    `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`,
    ...rows.map(line),
    '',
  ].join('\n');
}

describe('the normative statements of MQTT 5', () => {
  const tests = covered();

  it('have a test each, or a reason', () => {
    expect(ids.filter((id) => !tests.has(id) && REASONS[id] === undefined)).toEqual([]);
  });

  it('have no reason where they have a test, and none that is not one', () => {
    expect(Object.keys(REASONS).filter((id) => tests.has(id) || !ids.includes(id))).toEqual([]);
  });

  it('are what tests name', () => {
    expect([...tests.keys()].filter((id) => !ids.includes(id))).toEqual([]);
  });

  it('stand in docs/reference/mqtt-statements.md', () => {
    const text = page(tests);
    if (WRITE) writeFileSync(PAGE, text);
    expect(readFileSync(PAGE, 'utf8')).toBe(text);
  });
});
