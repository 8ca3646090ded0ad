import { check, describeViolations, type Violation } from '../support/checker';
import { eventually } from '../support/eventually';
import { Ledger } from '../support/ledger';
import { note, randomOf, seedOf } from '../support/seed';
import { FaultyMesh } from './faulty-mesh';
import { MqttDevice } from './mqtt-device';
import { pause } from './pause';
import { lengthOf } from './row-length';

const random = randomOf(seedOf(__filename));
const STEPS = lengthOf('F40', 12, 200);
const CASE_MS = 240_000 + STEPS * 10_000;
const SETTLE_MS = 90_000;
const PAUSE_MS_MAX = 1_200;

const NODES = ['a', 'b', 'c'] as const;
const LINKS = ['a-b', 'b-c', 'a-c'] as const;
const DOCUMENT = { listeners: [{ name: 'mqtt', protocol: 'mqtt' as const, port: 0 }] };

const any = <T>(all: readonly T[]): T => all[random.below(all.length)] as T;

describe('F40: MQTT clients with sessions that roam between three sites', () => {
  let faulty: FaultyMesh;
  const ledger = new Ledger();
  const devices: MqttDevice[] = [];
  let roaming: readonly MqttDevice[] = [];

  beforeAll(async () => {
    faulty = await FaultyMesh.start(NODES, LINKS, { document: DOCUMENT }, random.u32());
    const device = async (
      options: Omit<ConstructorParameters<typeof MqttDevice>[1], 'ledger'>,
    ): Promise<MqttDevice> => {
      const made = await new MqttDevice(faulty, { ...options, ledger }).ready();
      devices.push(made);
      return made;
    };
    const inbox = await device({ clientId: 'inbox', site: 'a', filters: { 'once/#': 1, 'exactly/#': 2 } });
    await device({ clientId: 'base', site: 'c', filters: { 'readings/#': 2 } });
    const sensor = await device({
      clientId: 'sensor',
      site: 'b',
      publish: { topic: 'readings/x', qos: 2, perSecond: 40 },
    });
    await device({ clientId: 'put-a', site: 'a', publish: { topic: 'once/x', qos: 1, perSecond: 40 } });
    await device({ clientId: 'put-c', site: 'c', publish: { topic: 'exactly/x', qos: 2, perSecond: 40 } });
    roaming = [inbox, sensor];
    for (const one of devices) one.begin();
    await progress();
  }, CASE_MS);

  /** Every publisher gets answers, and every subscriber messages, again. */
  async function progress(): Promise<void> {
    const before = devices.map(({ accepted, arrivals }) => ({ accepted, arrivals }));
    const goesOn = (device: MqttDevice, at: number): boolean => {
      const { accepted = 0, arrivals = 0 } = before[at] ?? {};
      const publishes = device.options.publish === undefined || device.accepted > accepted;
      return publishes && (device.receivers.size === 0 || device.arrivals > arrivals);
    };
    await eventually('publishers get answers and subscribers messages', () => devices.every(goesOn), {
      withinMs: SETTLE_MS,
      otherwise: state,
    });
  }

  const state = (): string => [...devices.map((device) => device.told()), faulty.mesh.logTails()].join('\n');

  /**
   * A message of QoS 1 may come again. One of QoS 2 must not, unless its publisher had to send it again before it was told that
   * it had been received.
   */
  const isAllowed = ({ kind, receiver, sender, seq }: Violation): boolean => {
    if (kind !== 'doubled') return false;
    if (receiver?.endsWith('once/#') === true) return true;
    return devices.some(({ resent }) => resent.has(`${sender} ${seq}`));
  };

  /** Publishers stop, what was accepted arrives, and the ledger is judged. */
  async function settle(): Promise<void> {
    for (const device of devices) device.pause();
    for (const device of devices) await device.answered(SETTLE_MS);
    const missing = (): Violation[] => check(ledger).filter(({ kind }) => kind === 'lost');
    // Told by the judge below.
    await eventually('all has arrived', () => missing().length === 0, { withinMs: SETTLE_MS }).catch(() => undefined);
    const found = check(ledger);
    const bad = found.filter((violation) => !isAllowed(violation));
    note(`${found.length - bad.length} came again as they may; ${devices.map((device) => device.told()).join('; ')}`);
    if (bad.length > 0) throw new Error([...describeViolations(bad), state()].join('\n'));
    for (const device of devices) device.begin();
  }

  it(
    `${STEPS} kills, cuts and moves of clients cost nothing that was acknowledged, and what is of QoS 2 comes once`,
    async () => {
      for (let step = 0; step < STEPS; step++) {
        await pause(random.below(PAUSE_MS_MAX));
        const what = random.below(4);
        const doomed = any(NODES);
        const link = any(LINKS);
        if (what === 0) await faulty.node(doomed).kill();
        else if (what === 1) await faulty.link(link).cut();
        for (const device of roaming) if (random.chance(0.6)) device.roam(any(NODES));
        await pause(random.below(PAUSE_MS_MAX));
        if (what === 0) await faulty.node(doomed).start();
        else if (what === 1) await faulty.link(link).heal();
        if (step % 3 === 2) await progress();
      }
      await faulty.heal();
      await progress();
      await settle();
      for (const { present } of devices) expect(present.filter((one) => !one)).toHaveLength(1);
    },
    CASE_MS,
  );
});
