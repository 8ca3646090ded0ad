import { TestNode, type TestClient } from './mqtt.fixture';

/** What a client was told below `$SYS/broker/`, and with which RETAIN. */
function told(client: TestClient): Map<string, { readonly text: string; readonly retain: boolean }> {
  const values = new Map<string, { text: string; retain: boolean }>();
  for (const { cmd, topic, payload, retain } of client.take()) {
    if (cmd !== 'publish') continue;
    const text = Buffer.from((payload as { data: number[] }).data).toString();
    values.set((topic as string).replace(/^\$SYS\/broker\//, ''), { text, retain: retain as boolean });
  }
  return values;
}

describe('$SYS', () => {
  it('tells what there is at once, as if it were retained', () => {
    const node = new TestNode();
    node.pass(65_000);
    const client = node.client().connected().subscribe('$SYS/#', 1);
    const values = told(client);
    expect([...values.values()].every(({ retain }) => retain)).toBe(true);
    expect(Object.fromEntries([...values].map(([topic, { text }]) => [topic, text]))).toEqual({
      version: 'fairlead version 1.2.3',
      uptime: '65 seconds',
      'clients/connected': '1',
      'clients/disconnected': '0',
      'clients/total': '1',
      'clients/maximum': '1',
      'messages/received': '2',
      'messages/sent': expect.stringMatching(/^\d+$/) as string,
      'publish/messages/received': '0',
      'publish/messages/sent': expect.stringMatching(/^\d+$/) as string,
      'bytes/received': expect.stringMatching(/^\d+$/) as string,
      'bytes/sent': expect.stringMatching(/^\d+$/) as string,
      'subscriptions/count': '1',
      'retained messages/count': '0',
    });
  });

  it('tells again every ten seconds what has changed, and nothing else', () => {
    const node = new TestNode();
    const client = node.client().connected().subscribe('$SYS/broker/clients/+', 0);
    expect([...told(client).keys()].sort()).toEqual([
      'clients/connected',
      'clients/disconnected',
      'clients/maximum',
      'clients/total',
    ]);
    node.pass(10_000);
    expect(told(client).size).toBe(0);
    node.client().connected({ clientId: 'other' });
    node.pass(9_000);
    expect(told(client).size).toBe(0);
    node.pass(1_000);
    expect(Object.fromEntries(told(client))).toEqual({
      'clients/connected': { text: '2', retain: false },
      'clients/maximum': { text: '2', retain: false },
      'clients/total': { text: '2', retain: false },
    });
  });

  it('counts messages, packets and bytes of both directions', () => {
    const node = new TestNode();
    const client = node.client().connected();
    const publish = client.bytes({ cmd: 'publish', topic: 'a', payload: 'x', qos: 1, messageId: 1 });
    client.raw(publish);
    const { bytesIn } = node.totals;
    client.raw(publish.subarray(0, 5));
    expect(node.totals.bytesIn - bytesIn).toBe(5);
    expect([node.totals.publishesIn, node.totals.packetsIn]).toEqual([1, 2]);
    const { packetsOut, bytesOut } = node.totals;
    const other = node.client().connected({ clientId: 'other' });
    other.send({ cmd: 'pingreq' });
    expect(node.totals.packetsOut - packetsOut).toBe(2);
    expect(node.totals.bytesOut - bytesOut).toBe(Buffer.concat(other.stream.written).length);
  });

  it('is not for filters that begin with a wildcard, and asks nothing of the mesh [MQTT-4.7.2-1]', () => {
    const node = new TestNode();
    const all = node.client().connected().subscribe('#', 0);
    expect(told(all).size).toBe(0);
    const consumers = node.addresses.consumers.length;
    const client = node.client().connected({ clientId: 'other' }).subscribe('$SYS/broker/uptime', 0);
    expect([...told(client).keys()]).toEqual(['uptime']);
    expect(node.addresses.consumers.length).toBe(consumers);
    node.pass(10_000);
    expect([told(all).size, told(client).size]).toEqual([0, 1]);
  });

  it('ends with UNSUBSCRIBE, and with the connection', () => {
    const node = new TestNode();
    const client = node.client().connected().subscribe('$SYS/#', 0);
    client.send({ cmd: 'unsubscribe', messageId: 8, unsubscriptions: ['$SYS/#'] });
    client.take();
    node.pass(20_000);
    expect([told(client).size, node.totals.subscriptions]).toEqual([0, 0]);
    client.subscribe('$SYS/#', 0);
    client.stream.end();
    expect([node.totals.clients, node.totals.subscriptions, node.deadlines.size]).toEqual([0, 0, 0]);
  });

  it('comes again to a session that is gone on with', () => {
    const node = new TestNode();
    const properties = { sessionExpiryInterval: 600 };
    const first = node.client().connected({ properties }).subscribe('$SYS/broker/uptime', 0);
    expect(told(first).size).toBe(1);
    first.stream.end();
    const second = node.client().connected({ clean: false, properties });
    node.pass(10_000);
    expect([...told(second).keys()]).toEqual(['uptime']);
  });

  it('cannot be shared', () => {
    const client = new TestNode().client().connected().subscribe('$share/g/$SYS/#', 0);
    expect(client.take()).toMatchObject([{ cmd: 'suback', granted: [0x8f] }]);
  });

  it('waits for a client that takes no more, and tells the newest then', () => {
    const node = new TestNode();
    const client = node.client().connected().subscribe('$SYS/broker/uptime', 0);
    client.take();
    client.stream.unwrittenBytes = 1_000_000;
    node.pass(10_000);
    node.pass(10_000);
    expect(told(client).size).toBe(0);
    client.stream.unwrittenBytes = 0;
    client.stream.user?.written();
    node.turn();
    expect(told(client).get('uptime')?.text).toBe('20 seconds');
  });
});
