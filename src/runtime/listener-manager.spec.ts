import { PortInUseError } from './errors';
import { ListenerManager } from './listener-manager';
import { FakeListeners, siteOf } from './runtime.fixture';

async function started(document: string) {
  const edges = new FakeListeners();
  const manager = new ListenerManager(edges.factory);
  await manager.start(siteOf(document));
  return { edges, manager };
}

describe('listeners', () => {
  it('tell the port that they really have', async () => {
    const { manager } = await started('listeners: [{ name: a, port: 0 }]');
    expect(manager.rows()).toMatchObject([
      { name: 'a', protocol: 'amqp', host: '127.0.0.1', port: 41_000, connections: 3 },
    ]);
  });

  it('name their place in the document when a port is in use', async () => {
    const edges = new FakeListeners();
    edges.busy.add(7);
    const starting = new ListenerManager(edges.factory).start(
      siteOf('listeners: [{ name: a, port: 6 }, { name: b, port: 7 }]'),
    );
    await expect(starting).rejects.toThrow('listeners[1]: 127.0.0.1:7 cannot be bound');
  });

  it('name a place once in the problem, also when the cause names it too', () => {
    const bind = { host: '127.0.0.1', port: 7 };
    const { problem } = new PortInUseError('http', bind, new Error('127.0.0.1:7 is in use by another process'));
    expect(problem).toMatchObject({ path: 'http', found: '127.0.0.1:7 is in use by another process' });
  });

  it('leave an old place only when the new one is bound', async () => {
    const { edges, manager } = await started('listeners: [{ name: a, port: 6 }]');
    edges.busy.add(7);
    const problems = await manager.apply(siteOf('listeners: [{ name: a, port: 7 }]'));
    expect(problems).toEqual([
      {
        path: 'listeners[0]',
        expected: 'an address that can be bound',
        found: '127.0.0.1:7, EADDRINUSE',
        hint: 'stop what uses it, or name another port',
      },
    ]);
    expect(edges.log).toEqual(['start a 6']);
    edges.busy.clear();
    await manager.apply(siteOf('listeners: [{ name: a, port: 7 }]'));
    expect(edges.log).toEqual(['start a 6', 'start a 7', 'stop a 6']);
  });

  it('take over what changes beside their place, and are made anew for another protocol', async () => {
    const { edges, manager } = await started('listeners: [{ name: a, protocol: tcp, port: 6, address: one }]');
    await manager.apply(siteOf('listeners: [{ name: a, protocol: tcp, port: 6, address: anycast/two }]'));
    expect(edges.log).toEqual(['start a 6', 'change a two']);
    await manager.apply(siteOf('listeners: [{ name: a, port: 6 }]'));
    expect(edges.log.slice(2)).toEqual(['stop a 6', 'start a 6']);
    expect(manager.rows()).toMatchObject([{ name: 'a', protocol: 'amqp' }]);
  });

  it('take a port over that another one leaves', async () => {
    const { edges, manager } = await started('listeners: [{ name: a, port: 6 }]');
    await expect(manager.apply(siteOf('listeners: [{ name: b, port: 6 }]'))).resolves.toEqual([]);
    expect(edges.log).toEqual(['start a 6', 'stop a 6', 'start b 6']);
  });

  it('drain and stop all together', async () => {
    const { edges, manager } = await started('listeners: [{ name: a, port: 6 }, { name: b, port: 7 }]');
    await manager.drain();
    await manager.stop();
    expect(edges.log.slice(2)).toEqual(['stop a 6', 'stop b 7']);
    expect(manager.rows()).toEqual([]);
  });
});
