import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { QUEUES } from '../../src/management/schemas';
import { queueStoreFile } from '../../src/store/queue-environment';
import { isUnfinishedBackup } from '../../src/store/unfinished-backup';
import { fairlead, FairleadCommand } from '../support/command';
import { StoreWriter, whatIsLost } from '../support/disk/store-writer';
import { eventually } from '../support/eventually';
import { FairleadNode } from '../support/fairlead-node';
import { LedgerSender } from '../support/ledger-sender';
import { QueueLedger } from '../support/queue-ledger';
import { QueueReceiver } from '../support/queue-receiver';
import { leash } from '../support/reaper';
import { note, randomOf, seedOf } from '../support/seed';
import { pause } from './pause';

const random = randomOf(seedOf(__filename));
const CASE_MS = 300_000;
const KILLS = 3;
/** So much is there before that a copy takes a while. */
const KEPT = 1_500;
const KEPT_BYTES = 12_000;
const KEPT_ADDRESS = 'jobs.kept';
const ADDRESSES = [{ match: 'jobs.#', kind: 'queue' as const }];

const top = mkdtempSync(join(tmpdir(), 'fairlead-backups-'));
afterAll(() => rmSync(top, { recursive: true, force: true }));

/** A copy that is being made. */
class Copying {
  static #count = 0;
  readonly folder = join(top, `copy-${Copying.#count++}`);
  readonly command: FairleadCommand;

  constructor({ file }: FairleadNode) {
    this.command = new FairleadCommand(['store', 'backup', this.folder, '-c', file]);
  }

  /** Something of it is in its folder. */
  async begun(): Promise<this> {
    const isOver = (): boolean => this.command.process.exitCode !== null;
    await eventually('the copy has begun', () => isUnfinishedBackup(this.folder) || isOver(), { everyMs: 1 });
    return this;
  }

  /** How long it takes when nothing happens to it. */
  async lasts(): Promise<number> {
    const from = performance.now();
    expect(await this.command.result).toMatchObject({ code: 0, stderr: '' });
    return performance.now() - from;
  }
}

/** A node under load: one queue is only put to, of the other all is consumed. */
class LoadedNode {
  readonly ledger = new QueueLedger();
  readonly #kept: LedgerSender;
  readonly #passing: LedgerSender;
  readonly #receivers: QueueReceiver[];

  private constructor(readonly node: FairleadNode) {
    const at = { port: node.amqpPort, ledger: this.ledger.sent, durable: true };
    const address = `queue/${KEPT_ADDRESS}`;
    this.#kept = new LedgerSender({ ...at, name: 'kept', address, perSecond: 100, bodyBytes: KEPT_BYTES });
    this.#passing = new LedgerSender({ ...at, name: 'passing', address: 'queue/jobs.x', perSecond: 300 });
    this.#receivers = [this.#receiver('queue/jobs.x')];
  }

  static async start(): Promise<LoadedNode> {
    const loaded = new LoadedNode(await FairleadNode.start({ document: { site: 'a', addresses: ADDRESSES } }));
    await loaded.#kept.ready();
    await loaded.#kept.send(KEPT);
    await loaded.#kept.answered();
    loaded.#kept.begin();
    (await loaded.#passing.ready()).begin();
    await loaded.goesOn();
    return loaded;
  }

  #receiver(address: string): QueueReceiver {
    return new QueueReceiver({ name: `get-${address}`, port: this.node.amqpPort, address, ledger: this.ledger });
  }

  /** Numbers of the messages that are in the queue from which nobody takes. */
  kept(): number[] {
    const sent = this.ledger.sent.senders.get('kept') ?? [];
    return sent.filter(({ answer }) => answer === 'accepted').map(({ seq }) => seq);
  }

  async goesOn(): Promise<void> {
    const { ledger } = this;
    const [puts, arrivals] = [this.kept().length, ledger.arrivals];
    await eventually('it takes and gives messages', () => this.kept().length > puts && ledger.arrivals > arrivals, {
      otherwise: () => `${ledger.summary()}\n${this.node.logTail()}`,
    });
  }

  /** All that was accepted arrives once, and what is on the disk is sound. */
  async settles(): Promise<void> {
    const { ledger, node } = this;
    for (const sender of [this.#kept, this.#passing]) {
      sender.pause();
      await sender.answered();
    }
    this.#receivers.push(this.#receiver(`queue/${KEPT_ADDRESS}`));
    await eventually('all has arrived', () => ledger.missing().length === 0, {
      withinMs: 90_000,
      otherwise: () => `${ledger.missing().length} missing\n${node.logTail()}`,
    });
    for (const receiver of this.#receivers) await receiver.confirmed();
    note(ledger.summary());
    expect(ledger.judge()).toEqual([]);
    for (const client of [this.#kept, this.#passing, ...this.#receivers]) client.drop();
    expect(await fairlead('store', 'check', '-c', node.file)).toMatchObject({ code: 0, stderr: '' });
    expect(await node.stop()).toBe(0);
  }

  /** A node on a copy has each message that was there before the copy was begun, and none twice. */
  async expectIn(copy: FairleadNode, before: readonly number[]): Promise<void> {
    await copy.start();
    const { body } = await copy.http('/api/v1/queues');
    const depth = QUEUES.parse(body).queues.find(({ name }) => name === KEPT_ADDRESS)?.here?.depth ?? 0;
    const ledger = new QueueLedger(this.ledger.sent);
    const at = { port: copy.amqpPort, address: `queue/${KEPT_ADDRESS}` };
    const receiver = new QueueReceiver({ ...at, name: 'of-copy', ledger, credit: 500 });
    await eventually('the copy gives all that it has', () => ledger.arrivals >= depth, {
      otherwise: () => `${ledger.arrivals} of ${depth}\n${copy.logTail()}`,
    });
    await receiver.confirmed();
    receiver.drop();
    const missing = new Set(ledger.missing().flatMap(({ sender, seq }) => (sender === 'kept' ? [seq] : [])));
    expect([ledger.arrivals, ledger.violations, before.filter((seq) => missing.has(seq))]).toEqual([depth, [], []]);
    expect(await copy.stop()).toBe(0);
  }
}

/** Whoever uses a copy is told if it is not whole. @returns whether it is */
async function isWhole(loaded: LoadedNode, folder: string, before: readonly number[]): Promise<boolean> {
  const whole = !isUnfinishedBackup(folder);
  const node = await FairleadNode.prepare({ document: { site: 'a', dataDir: folder, addresses: ADDRESSES } });
  const check = await fairlead('store', 'check', '-c', node.file);
  if (whole) {
    expect(check).toMatchObject({ code: 0, stderr: '' });
    await loaded.expectIn(node, before);
  } else {
    expect(check).toMatchObject({ code: 4, stderr: expect.stringContaining('FL_BACKUP_UNFINISHED') as string });
    await expect(node.start()).rejects.toThrow('ended before it was ready, with 4:');
    expect(node.log()).toContain('FL_BACKUP_UNFINISHED');
  }
  await node.dispose();
  return whole;
}

describe('a backup of a node under load', () => {
  it(
    `outlives kills of the node (${KILLS} times), which loses nothing by it`,
    async () => {
      const loaded = await LoadedNode.start();
      const lastsMs = await (await new Copying(loaded.node).begun()).lasts();
      for (let n = 0; n < KILLS; n++) {
        const before = loaded.kept();
        const { folder, command } = await new Copying(loaded.node).begun();
        await pause(random.below(lastsMs));
        await loaded.node.kill();
        if (random.chance(0.5)) await loaded.node.start();
        const { code, stderr } = await command.result;
        if (!loaded.node.running) await loaded.node.start();
        // A copy that could not be made says so, and is none.
        expect([code === 0, stderr]).toEqual([await isWhole(loaded, folder, before), code === 0 ? '' : stderr]);
        await loaded.goesOn();
      }
      await loaded.settles();
    },
    CASE_MS,
  );

  it(
    `that is killed (${KILLS} times) is recognised, and the node is not touched by it`,
    async () => {
      const loaded = await LoadedNode.start();
      const lastsMs = await (await new Copying(loaded.node).begun()).lasts();
      let whole = 0;
      for (let n = 0; n < KILLS; n++) {
        const before = loaded.kept();
        const { folder, command } = await new Copying(loaded.node).begun();
        // At least the first one has just begun.
        await pause(n === 0 ? 0 : random.below(lastsMs));
        command.process.kill('SIGKILL');
        await command.result;
        if (await isWhole(loaded, folder, before)) whole++;
        await loaded.goesOn();
      }
      note(`${whole} of ${KILLS} were whole when they were killed`);
      expect(whole).toBeLessThan(KILLS);
      await loaded.settles();
    },
    CASE_MS,
  );

  it(
    'that is killed while it reads keeps no pages from being used again',
    async () => {
      const folder = mkdtempSync(join(top, 'node-'));
      const file = queueStoreFile(folder);
      const writer = new StoreWriter({ folder, layerMs: 5 });
      await writer.writes(300);
      const reader = spawn(process.execPath, [join(__dirname, '../support/disk/store-reader.js'), file]);
      leash(reader);
      await once(reader.stdout, 'data');
      reader.kill('SIGKILL');
      await once(reader, 'close');
      await writer.writes(1_000);
      const { size } = statSync(file);
      await writer.writes(6_000);
      expect(statSync(file).size - size).toBeLessThan(size);
      await writer.close();
      expect(whatIsLost(file, writer.acknowledged)).toEqual([]);
    },
    CASE_MS,
  );
});
