import { SILENT_JOURNAL } from '../common/ports';
import { Lifecycle } from './lifecycle';
import { IN_FLIGHT_MS, LOOK_MS, REROUTE_MS, TRANSIT_QUIET_MS } from './limits';
import { LinkManager } from './link-manager';
import { ListenerManager } from './listener-manager';
import { FakeListeners, FakeMeshNode, FakeWire, siteOf, view } from './runtime.fixture';
import { ServiceManager } from './service-manager';
import { SiteRuntime } from './site-runtime';

function assembled() {
  const log: string[] = [];
  const warnings: string[] = [];
  const node = new FakeMeshNode();
  const wire = new FakeWire();
  const edges = new FakeListeners();
  const lifecycle = new Lifecycle(() => 0);
  const note = (what: string) => Promise.resolve(void log.push(what));
  const runtime = new SiteRuntime({
    node,
    links: new LinkManager(node, wire, SILENT_JOURNAL),
    listeners: new ListenerManager(edges.factory),
    services: new ServiceManager(edges.offer),
    memory: { close: () => note('memory closed') },
    lifecycle,
    journal: { ...SILENT_JOURNAL, warn: (event) => void warnings.push(event) },
    setLogLevel: (level) => void log.push(`level ${level}`),
    stopTurns: () => void log.push('turns stopped'),
  });
  const http = { listen: () => Promise.resolve({ host: '127.0.0.1', port: 8080 }), close: () => note('http closed') };
  return { log, warnings, node, wire, edges, lifecycle, runtime, http };
}

describe('a node', () => {
  it('is ready when everything is bound, and says where', async () => {
    const { runtime, lifecycle, http } = assembled();
    await runtime.start(siteOf('listeners: [{ port: 0 }]'), http);
    expect(lifecycle.phase).toBe('ready');
    expect(runtime.readyLine()).toBe(
      'fairlead ready node=east amqp=127.0.0.1:41000 mesh=127.0.0.1:55671 http=127.0.0.1:8080',
    );
  });

  it('names the socket that is in use', async () => {
    const { runtime, edges, http } = assembled();
    edges.busy.add(5672);
    await expect(runtime.start(siteOf(''), http)).rejects.toMatchObject({
      code: 'FL_PORT_IN_USE',
      message: expect.stringContaining('listeners[0]: 127.0.0.1:5672 cannot be bound (EADDRINUSE)') as string,
    });
  });

  it('ends at once, and leaves nothing unfinished, when it could not start', async () => {
    const { runtime, node, edges, http, warnings, log } = assembled();
    edges.busy.add(5672);
    node.drained = false; // as it is until neighbours have been heard
    await expect(runtime.start(siteOf(''), http)).rejects.toThrow();
    expect([await runtime.stop(), warnings, log.at(-1)]).toEqual([true, [], 'memory closed']);
  });

  it('follows its document', async () => {
    const { runtime, node, edges, log, http } = assembled();
    await runtime.start(siteOf(''), http);
    edges.busy.add(99);
    const problems = await runtime.apply(
      siteOf('listeners: [{ port: 5673 }, { name: b, port: 99 }]\ndefaultKind: anycast\nlog: { level: debug }'),
    );
    expect(node.calls).toEqual(['setRules 0 anycast']);
    expect(log).toEqual(['level debug']);
    expect(edges.log).toEqual(['start amqp 5672', 'start amqp 5673', 'stop amqp 5672']);
    expect(problems).toMatchObject([{ path: 'listeners[1]', found: expect.stringContaining('EADDRINUSE') as string }]);
    await runtime.apply(siteOf('listeners: [{ name: c, port: 5673 }]'));
    expect(edges.log.slice(3)).toEqual(['stop amqp 5673', 'start c 5673']);
  });

  it('drains, says goodbye, and closes in order', async () => {
    const { runtime, node, lifecycle, log, http, edges } = assembled();
    await runtime.start(siteOf(''), http);
    node.views = [view({ link: 3 })];
    expect(await runtime.stop()).toBe(true);
    expect(node.calls).toEqual(['drain', 'removeLink 3']);
    expect(edges.log).toEqual(['start amqp 5672', 'stop amqp 5672']);
    expect(log).toEqual(['http closed', 'turns stopped', 'memory closed']);
    expect(lifecycle.phase).toBe('stopped');
  });

  it('hands over what clients sent to the last before its links close', async () => {
    const { runtime, node, http, edges } = assembled();
    await runtime.start(siteOf(''), http);
    node.views = [view({ link: 3 })];
    let before: string[] = [];
    edges.onStop = () => {
      node.drained = false;
      setTimeout(() => {
        before = [...node.calls];
        node.drained = true;
      }, 50);
    };
    expect(await runtime.stop()).toBe(true);
    expect(before).toEqual(['drain']);
    expect(node.calls).toEqual(['drain', 'removeLink 3']);
  });

  it('stops within 5 s when a client never finishes', async () => {
    const { runtime, node, edges, http } = assembled();
    await runtime.start(siteOf(''), http);
    edges.draining = new Promise(() => undefined);
    node.drained = true;
    const before = performance.now();
    expect(await runtime.stop()).toBe(false);
    expect(performance.now() - before).toBeLessThan(5_000);
  });

  it('looks no more after what never ends once it has stopped: a timer would keep the process alive', async () => {
    const { runtime, node, http } = assembled();
    await runtime.start(siteOf(''), http);
    let looks = 0;
    Object.defineProperty(node, 'drained', { get: () => ++looks < 0 });
    expect(await runtime.stop()).toBe(false);
    const before = looks;
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(looks).toBe(before);
  });
});

describe('a node on the way of others that stops', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  /** Stops a node through which a batch of others passes every 100 ms, for so long. */
  async function stopping(passingForMs: number) {
    const all = assembled();
    const { runtime, node, http } = all;
    await runtime.start(siteOf(''), http);
    node.views = [view({ link: 3 })];
    const began = performance.now();
    const left = new Promise<number>((resolve) => {
      const { removeLink } = node;
      node.removeLink = (link) => {
        removeLink.call(node, link);
        resolve(performance.now() - began);
      };
    });
    const pass = setInterval(() => {
      if (performance.now() - began <= passingForMs) node.forwardedFrames++;
    }, 100);
    const stopped = runtime.stop();
    await jest.advanceTimersByTimeAsync(6_000);
    clearInterval(pass);
    return { ...all, leftAfterMs: await left, finished: await stopped };
  }

  it('leaves as soon as its neighbours have rerouted when nothing passes', async () => {
    const { leftAfterMs, finished, warnings } = await stopping(0);
    expect(leftAfterMs).toBeGreaterThanOrEqual(REROUTE_MS);
    expect(leftAfterMs).toBeLessThanOrEqual(REROUTE_MS + LOOK_MS);
    expect([finished, warnings]).toEqual([true, []]);
  });

  it('stays while batches pass, and for the quiet time after the last', async () => {
    const { leftAfterMs, finished, warnings } = await stopping(1_500);
    expect(leftAfterMs).toBeGreaterThanOrEqual(1_500 + TRANSIT_QUIET_MS);
    expect(leftAfterMs).toBeLessThanOrEqual(1_500 + TRANSIT_QUIET_MS + 2 * LOOK_MS);
    expect([finished, warnings]).toEqual([true, []]);
  });

  it('leaves what goes on for too long, and says so', async () => {
    const { leftAfterMs, finished, warnings } = await stopping(10_000);
    expect(leftAfterMs).toBeGreaterThanOrEqual(IN_FLIGHT_MS);
    expect(leftAfterMs).toBeLessThanOrEqual(IN_FLIGHT_MS + LOOK_MS);
    // What it took itself is finished; the rest is held where it came from.
    expect([finished, warnings]).toEqual([true, ['transit-unfinished']]);
  });
});
