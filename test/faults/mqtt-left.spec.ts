import { connect } from 'node:net';
import { MqttClient } from 'mqtt';
import { RETAINED } from '../../src/management/client-schemas';
import { SESSIONS_START_MS } from '../../src/sessions/limits';
import { MqttJsClient } from '../support/clients/mqtt-js';
import { eventually } from '../support/eventually';
import { note, randomOf, seedOf } from '../support/seed';
import { FaultyMesh } from './faulty-mesh';
import { pause } from './pause';
import { lengthOf } from './row-length';

const random = randomOf(seedOf(__filename));
const STEPS = lengthOf('F40', 8, 100);
const CASE_MS = 240_000 + STEPS * 10_000;
const SETTLE_MS = 60_000;
const PAUSE_MS_MAX = 1_000;
const WRITE_MS = 15;
const HOLD_MS = 3_000;
/** Longer than a node waits after its start. */
const LOOK_AFTER_MS = SESSIONS_START_MS + 2_000;

const NODES = ['a', 'b', 'c'] as const;
const LINKS = ['a-b', 'b-c', 'a-c'] as const;
const DOCUMENT = {
  listeners: [{ name: 'mqtt', protocol: 'mqtt' as const, port: 0 }],
  mesh: { partitionHold: `${HOLD_MS}ms` as const },
};

const any = <T>(all: readonly T[]): T => all[random.below(all.length)] as T;

/** MQTT.js that retains values of its own topics, and of some that others write as well; it dials its node again and again. */
class RetainingDevice {
  readonly #client: MqttClient;
  readonly #topics: readonly string[];
  #beat: NodeJS.Timeout | null = null;
  #count = 0;
  #open = 0;
  /** The last value of each topic that was acknowledged, and all that were written to it. */
  readonly acknowledged = new Map<string, number>();
  readonly written = new Map<string, Set<number>>();

  constructor(
    faulty: FaultyMesh,
    readonly site: string,
    shared: readonly string[],
  ) {
    this.#topics = [...[0, 1, 2].map((n) => `own/${site}/${n}`), ...shared];
    this.#client = new MqttClient(() => connect(faulty.node(site).port('mqtt'), '127.0.0.1'), {
      protocolId: 'MQTT',
      protocolVersion: 5,
      clientId: `retains-${site}`,
      clean: true,
      reconnectPeriod: 150,
      reconnectOnConnackError: true,
    });
    this.#client.on('error', () => undefined);
    this.#beat = setInterval(() => this.#write(), WRITE_MS);
  }

  #write(): void {
    if (!this.#client.connected || this.#open > 10) return;
    const topic = any(this.#topics);
    const value = ++this.#count * NODES.length + NODES.indexOf(this.site as 'a');
    const all = this.written.get(topic) ?? new Set();
    this.written.set(topic, all.add(value));
    this.#open++;
    this.#client.publish(topic, String(value), { qos: 1, retain: true }, (error) => {
      this.#open--;
      const isNewer = value > (this.acknowledged.get(topic) ?? 0);
      if ((error === null || error === undefined) && isNewer) this.acknowledged.set(topic, value);
    });
  }

  get accepted(): number {
    return [...this.acknowledged.values()].reduce((sum, value) => Math.max(sum, value), 0);
  }

  async settle(): Promise<void> {
    this.drop();
    await eventually(`answers for ${this.site}`, () => this.#open === 0, { withinMs: SETTLE_MS });
    this.#client.end(true);
  }

  drop(): void {
    if (this.#beat !== null) clearInterval(this.#beat);
    this.#beat = null;
  }
}

describe('what MQTT clients leave at three sites that are killed and cut', () => {
  let faulty: FaultyMesh;
  const devices: RetainingDevice[] = [];
  const published: { readonly topic: string; readonly watchers: readonly MqttJsClient[] }[] = [];

  beforeAll(async () => {
    faulty = await FaultyMesh.start(NODES, LINKS, { document: DOCUMENT }, random.u32());
  }, CASE_MS);
  afterAll(() => {
    for (const device of devices) device.drop();
  });

  /** What a node says of its retained messages: the same at two nodes is the same. */
  async function rows(site: string): Promise<string> {
    const { body } = await faulty.node(site).http('/api/v1/retained?count=1000');
    return JSON.stringify(
      RETAINED.parse(body)
        .retained.map(({ topic, at, node, bytes }) => `${topic} ${at} ${node ?? ''} ${bytes}`)
        .sort(),
    );
  }

  /** Values as a client that comes late gets them. */
  async function values(site: string): Promise<Record<string, number>> {
    const late = await MqttJsClient.connect(faulty.node(site).port('mqtt'));
    const { body } = await faulty.node(site).http('/api/v1/retained?count=1000');
    await late.client.subscribeAsync('#', { qos: 1 });
    await late.texts(RETAINED.parse(body).retained.length);
    const found = late.arrivals.map(({ topic, text }): [string, number] => [topic, Number(text)]);
    await late.end();
    return Object.fromEntries(found.sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  it(
    `retained messages are the same at all sites after ${STEPS} kills and cuts, and none is older than what was acknowledged`,
    async () => {
      for (const site of NODES) devices.push(new RetainingDevice(faulty, site, ['shared/0', 'shared/1']));
      for (let step = 0; step < STEPS; step++) {
        await pause(random.below(PAUSE_MS_MAX));
        const doomed = any(NODES);
        const link = any(LINKS);
        const kills = random.chance(0.6);
        if (kills) await faulty.node(doomed).kill();
        else await faulty.link(link).cut();
        await pause(random.below(PAUSE_MS_MAX));
        if (kills) await faulty.node(doomed).start();
        else await faulty.link(link).heal();
      }
      await faulty.heal();
      const before = devices.map(({ accepted }) => accepted);
      await eventually('all are written to', () => devices.every(({ accepted }, at) => accepted > (before[at] ?? 0)), {
        withinMs: SETTLE_MS,
      });
      for (const device of devices) await device.settle();
      await eventually('the same at all sites', async () => new Set(await Promise.all(NODES.map(rows))).size === 1, {
        withinMs: SETTLE_MS,
      });
      const [first = {}, ...others] = await Promise.all(NODES.map(values));
      for (const other of others) expect(other).toEqual(first);
      for (const { acknowledged, written } of devices)
        for (const [topic, value] of acknowledged)
          if (topic.startsWith('own/')) {
            expect(first[topic]).toBeGreaterThanOrEqual(value);
            expect(written.get(topic)).toContain(first[topic]);
          } else expect(devices.some((device) => device.written.get(topic)?.has(first[topic] as number))).toBe(true);
      note(`retained: ${devices.map(({ site, accepted }) => `${site} up to ${accepted}`).join(', ')}`);
    },
    CASE_MS,
  );

  it.each([
    ['is published when partitions are waited for no longer', 0, false],
    ['waits for its delay', 2, false],
    ['is published once though its node comes back', 1, true],
  ])(
    'a will of a client whose node is killed %s',
    async (_what, willDelayInterval, comesBack) => {
      const topic = `gone/${willDelayInterval}`;
      const watchers = await Promise.all(
        ['b', 'c'].map((site) => MqttJsClient.connect(faulty.node(site).port('mqtt'))),
      );
      for (const { client } of watchers) await client.subscribeAsync(topic, { qos: 1 });
      const properties = { sessionExpiryInterval: 600 };
      const will = {
        topic,
        payload: Buffer.from('gone'),
        qos: 1 as const,
        retain: true,
        properties: { willDelayInterval },
      };
      await MqttJsClient.connect(faulty.node('a').port('mqtt'), { clientId: topic, clean: false, properties, will });
      await eventually('all know of it', async () => (await faulty.node('c').http(sessionPath(topic))).status === 200);
      const began = performance.now();
      await faulty.node('a').kill();
      if (comesBack) await faulty.node('a').start();
      for (const watcher of watchers) expect(await watcher.texts(1, SETTLE_MS)).toEqual(['gone']);
      if (!comesBack) expect(performance.now() - began).toBeGreaterThan(HOLD_MS + willDelayInterval * 1_000 - 500);
      if (!comesBack) await faulty.node('a').start();
      await faulty.mesh.converged();
      published.push({ topic, watchers });
    },
    CASE_MS,
  );

  it(
    'and nobody publishes one of them again, nor forgets that it was, once those that came back look at what the last run left',
    async () => {
      await pause(LOOK_AFTER_MS);
      for (const { topic, watchers } of published) {
        for (const watcher of watchers) expect(await watcher.texts(1)).toEqual(['gone']);
        for (const site of NODES) {
          const { body } = await faulty.node(site).http(sessionPath(topic));
          expect(body).toMatchObject({ client: topic, will: false, connected: false });
          expect((await faulty.node(site).http(`/api/v1/retained/${topic.replace('/', '.')}`)).status).toBe(200);
        }
        for (const watcher of watchers) await watcher.end();
      }
    },
    CASE_MS,
  );
});

function sessionPath(client: string): string {
  return `/api/v1/sessions/${encodeURIComponent(client)}`;
}
