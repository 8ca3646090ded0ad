import { RETAINED, RETAINED_MESSAGE, SESSION, SESSIONS } from '../../src/management/client-schemas';
import type { RetainedRow, SessionRow } from '../../src/management/client-rows';
import { SUBSCRIPTIONS } from '../../src/management/schemas';
import { MqttJsClient } from '../support/clients/mqtt-js';
import { eventually } from '../support/eventually';
import { Mesh } from '../support/mesh';

jest.setTimeout(120_000);

const STAYS = { clean: false, properties: { sessionExpiryInterval: 600 } };

describe('an operator of what MQTT clients leave', () => {
  let mesh: Mesh;
  const api = (site: string, path: string, method = 'GET') => mesh.node(site).http(`/api/v1/${path}`, method);

  beforeAll(async () => {
    mesh = await Mesh.line(['west', 'east'], { document: { listeners: [{ protocol: 'mqtt', port: 0 }] } });
    await mesh.start();
  });
  afterAll(() => mesh.stop());

  /** All pages. */
  async function sessions(site: string, count: number): Promise<SessionRow[]> {
    const rows: SessionRow[] = [];
    for (let after: string | null = ''; after !== null;) {
      const { body } = await api(site, `sessions?count=${count}&after=${encodeURIComponent(after)}`);
      const page: { sessions: SessionRow[]; next: string | null } = SESSIONS.parse(body);
      rows.push(...page.sessions);
      after = page.next;
    }
    return rows.sort((a, b) => (a.client < b.client ? -1 : 1));
  }

  async function retained(site: string, count: number): Promise<RetainedRow[]> {
    const rows: RetainedRow[] = [];
    for (let after: string | null = ''; after !== null;) {
      const { body } = await api(site, `retained?count=${count}&after=${encodeURIComponent(after)}`);
      const page: { retained: RetainedRow[]; next: string | null } = RETAINED.parse(body);
      rows.push(...page.retained);
      after = page.next;
    }
    return rows.sort((a, b) => (a.topic < b.topic ? -1 : 1));
  }

  it('sees every session at every site, page by page, and ends one from elsewhere', async () => {
    const port = mesh.node('west').port('mqtt');
    const clients = await Promise.all(
      [0, 1, 2, 3, 4].map((n) => MqttJsClient.connect(port, { ...STAYS, clientId: `device/${n}` })),
    );
    const [first] = clients as [MqttJsClient];
    await first.client.subscribeAsync('a/#', { qos: 2 });
    const known = (): Promise<SessionRow[]> =>
      eventually('all of them, and the subscription', async () => {
        const rows = await sessions('east', 2);
        return rows.length === 5 && rows[0]?.subscriptions.length === 1 && rows;
      });
    expect((await known())[0]).toEqual({
      client: 'device/0',
      protocol: 'mqtt',
      node: 'west',
      reachable: true,
      connected: true,
      expirySeconds: 600,
      endsAt: null,
      subscriptions: [{ filter: 'a/#', durable: true }],
      will: false,
      here: null,
    });
    const at = `sessions/${encodeURIComponent('device/0')}`;
    expect(SESSION.parse((await api('west', at)).body).here).toEqual({ inFlight: 0, stateBytes: 0 });

    expect(await api('east', at, 'DELETE')).toMatchObject({ status: 200, body: { client: 'device/0' } });
    await eventually('it is told', () => first.farewell === 0x8e);
    for (const site of ['west', 'east']) {
      await eventually('it is gone', async () => (await api(site, at)).status === 404);
      const { body } = await api(site, 'subscriptions');
      expect(SUBSCRIPTIONS.parse(body).subscriptions).toEqual([]);
    }
    expect(await api('east', at, 'DELETE')).toMatchObject({ status: 404, body: { code: 'FL_SESSION_NOT_FOUND' } });
    expect((await api('east', 'sessions?count=0')).body).toMatchObject({ code: 'FL_REQUEST_INVALID' });
    for (const client of clients) await client.cut();
  });

  it('sees retained messages with their node, looks into one, and clears it for all', async () => {
    const publisher = await MqttJsClient.connect(mesh.node('west').port('mqtt'));
    for (const n of [0, 1, 2, 3, 4])
      await publisher.client.publishAsync(`lamp/${n}`, `on ${n}`, { qos: 1, retain: true });
    await eventually('all of them at the other site', async () => (await retained('east', 2)).length === 5);
    const [row] = await retained('east', 1_000);
    expect(row).toMatchObject({ topic: 'lamp.0', expiresAt: null, node: 'west' });
    expect(row?.bytes).toBeGreaterThan(4);
    const { body } = await api('east', 'retained/lamp.0');
    expect(RETAINED_MESSAGE.parse(body)).toMatchObject({
      topic: 'lamp.0',
      message: { body: expect.anything() as object },
    });
    expect(await api('east', 'retained/lamp.0', 'DELETE')).toMatchObject({ status: 200, body: { topic: 'lamp.0' } });
    await eventually('it is gone', async () => (await api('west', 'retained/lamp.0')).status === 404);
    const late = await MqttJsClient.connect(mesh.node('west').port('mqtt'));
    await late.client.subscribeAsync('lamp/#', { qos: 1 });
    expect((await late.texts(4)).sort()).toEqual(['on 1', 'on 2', 'on 3', 'on 4']);
    expect(await api('west', 'retained/lamp.0', 'DELETE')).toMatchObject({
      status: 404,
      body: { code: 'FL_RETAINED_NOT_FOUND' },
    });
    await publisher.end();
    await late.end();
  });
});
