import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { eventually } from '../support/eventually';
import { FairleadNode, type NodeOptions } from '../support/fairlead-node';
import { randomOf, seedOf } from '../support/seed';
import { FaultyMesh } from './faulty-mesh';
import { Workload } from './workload';

const random = randomOf(seedOf(__filename));
const CASE_MS = 90_000;
const ROOT = resolve(__dirname, '../..');

/** What a node says of a link that does not come up. */
async function whyDown(node: FairleadNode, link: string): Promise<string> {
  const { status, body } = await node.http('/health/links');
  const { details } = body as { details: Readonly<Record<string, { whyDown: string | null }>> };
  expect([status, details[link] !== undefined]).toEqual([503, true]);
  return details[link]?.whyDown ?? '';
}

describe('F23: two nodes with one name', () => {
  it(
    'refuse each other as neighbours, and say so in health',
    async () => {
      const first = await FairleadNode.start({ document: { site: 'first', node: 'twin' } });
      const links = [{ name: 'to-first', connect: first.meshUrl }];
      const second = await FairleadNode.start({ document: { site: 'second', node: 'twin', mesh: { links } } });
      await eventually('the link is refused by name', async () =>
        (await whyDown(second, 'to-first')).includes(`another process named 'twin'`),
      );
      expect([first.running, second.running]).toEqual([true, true]);
    },
    CASE_MS,
  );

  it(
    'at two ends of a mesh: one withdraws loudly, with exit code 3, and the other goes on',
    async () => {
      const middle = await FairleadNode.start({ document: { site: 'middle' } });
      const links = [{ name: 'to-middle', connect: middle.meshUrl }];
      const twins = await Promise.all(
        ['first', 'second'].map((site) => FairleadNode.start({ document: { site, node: 'twin', mesh: { links } } })),
      );
      await eventually('one has ended', () => twins.some((node) => !node.running));
      const [gone] = twins.filter((node) => !node.running) as [FairleadNode];
      expect(await gone.exited()).toEqual({ code: 3, signal: null });
      expect(gone.log()).toContain("FL_NODE_NAME_IN_USE: another process named 'twin' is in the mesh");
      const [left] = twins.filter((node) => node !== gone) as [FairleadNode];
      await left.reaches('middle');
      await middle.reaches('twin');
      expect(left.running).toBe(true);
    },
    CASE_MS,
  );
});

describe('versions of the mesh protocol', () => {
  /** A build that speaks other versions, as a later release would. */
  function otherBuild(min: number, max: number): string {
    const build = join(ROOT, '.cache', `protocol-${min}-${max}`);
    const folder = join(build, 'dist');
    rmSync(build, { recursive: true, force: true });
    cpSync(join(ROOT, 'dist'), folder, { recursive: true });
    cpSync(join(ROOT, 'package.json'), join(build, 'package.json'));
    const file = join(folder, 'links', 'limits.js');
    const text = readFileSync(file, 'utf8');
    const changed = text
      .replace(/exports\.PROTOCOL_MIN = \d+;/, `exports.PROTOCOL_MIN = ${min};`)
      .replace(/exports\.PROTOCOL_MAX = \d+;/, `exports.PROTOCOL_MAX = ${max};`);
    expect(changed).not.toBe(text);
    writeFileSync(file, changed);
    return folder;
  }

  /** Runs another build with what the launcher passes: $1 node, $2 program, $3 and on its arguments. */
  const wrap = (folder: string): NodeOptions['wrap'] => [
    '/bin/sh',
    '-c',
    'exec "$1" "$0/cli/main.js" "$3" "$4" "$5"',
    folder,
  ];

  it(
    'F23: disjoint ranges are refused, and both are named in health',
    async () => {
      const old = await FairleadNode.start({ document: { site: 'old' } });
      const links = [{ name: 'to-old', connect: old.meshUrl }];
      const document = { site: 'new', mesh: { links } };
      const late = await FairleadNode.start({ document, wrap: wrap(otherBuild(2, 3)) });
      await eventually('the link is refused for its version', async () =>
        /mesh protocol (1 to 1, this one 2 to 3|2 to 3, this one 1 to 1)/.test(await whyDown(late, 'to-old')),
      );
      expect(await old.nodes()).toMatchObject([{ node: 'old' }]);
    },
    CASE_MS,
  );

  it(
    'overlapping ranges work together',
    async () => {
      const old = await FairleadNode.start({ document: { site: 'old' } });
      const links = [{ name: 'to-old', connect: old.meshUrl }];
      const document = { site: 'new', mesh: { links } };
      const late = await FairleadNode.start({ document, wrap: wrap(otherBuild(1, 2)) });
      await late.reaches('old');
      await old.reaches('new');
    },
    CASE_MS,
  );
});

const FAKETIME = ['x86_64', 'aarch64']
  .map((arch) => `/usr/lib/${arch}-linux-gnu/faketime/libfaketimeMT.so.1`)
  .find(existsSync);
if (FAKETIME === undefined && process.env['CI'] === 'true') throw new Error('CI needs libfaketime (Debian: faketime)');
if (FAKETIME === undefined) process.stderr.write('skipped: F22 needs libfaketime (Debian: faketime)\n');

(FAKETIME === undefined ? describe.skip : describe)('F22: the wall clock jumps by an hour', () => {
  it(
    'forth and back: no link is given up, nothing is lost, and lives stay in order',
    async () => {
      const clock = join(mkdtempSync(join(tmpdir(), 'fairlead-clock-')), 'offset');
      const jump = (offset: string): void => writeFileSync(clock, `${offset}\n`);
      jump('+0');
      const env = {
        LD_PRELOAD: FAKETIME ?? '',
        FAKETIME_TIMESTAMP_FILE: clock,
        FAKETIME_CACHE_DURATION: '1',
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
      };
      const faulty = await FaultyMesh.start(['a', 'b'], ['a-b'], { env }, random.u32());
      const work = await Workload.start(
        faulty,
        [{ at: 'b', by: 'proton', address: 'topic/orders.new' }],
        [{ at: 'a', address: 'topic/orders.new', perSecond: 300 }],
      );
      const a = faulty.node('a');
      const states = async () => (await a.links()).map(({ name, state }) => [name, state]);
      const before = await states();
      const downs = a.log().split('"link-down"').length;
      for (const offset of ['+1h', '-1h']) {
        jump(offset);
        const hour = offset === '+1h' ? 3_600_000 : -3_600_000;
        await eventually('its clock has jumped', async () => Math.abs((await clockOf(a)) - Date.now() - hour) < 60_000);
        await work.progress();
      }
      expect(await states()).toEqual(before);
      expect(a.log().split('"link-down"').length).toBe(downs);
      const lifeOf = async () => ((await a.http('/api/v1/status')).body as { incarnation: number }).incarnation;
      const former = await lifeOf();
      await work.settle();
      for (const sender of work.senders) sender.drop();
      await a.restart();
      // An hour behind the clock of its former life.
      expect(await lifeOf()).toBeGreaterThan(former);
      await a.reaches('b');
      await work.close();
    },
    CASE_MS,
  );
});

/** The wall clock of a node, as it stamps a line of its log. */
async function clockOf(node: FairleadNode): Promise<number> {
  await node.setCost('a-b', 10);
  const line = node
    .log()
    .split('\n')
    .filter((text) => text.includes('"link-cost"'))
    .at(-1);
  return (JSON.parse(line ?? '{}') as { time: number }).time;
}
