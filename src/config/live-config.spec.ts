import { site as parse } from './config.fixture';
import { LiveConfig, type SiteApplier } from './live-config';
import { type ConfigProblem, ConfigError } from './problems';
import type { CompiledSite } from './site';
import { DocumentWatcher, type WatchPorts } from './watcher';

function live(applier?: Partial<SiteApplier>) {
  const events: string[] = [];
  const applied: CompiledSite[] = [];
  let nowMs = 0;
  const journal = {
    info: (event: string) => void events.push(event),
    warn: (event: string) => void events.push(event),
  };
  const ports = {
    check: (_file: string, text: string) => Promise.resolve().then(() => parse(text)),
    journal,
    wall: () => 0,
    now: () => (nowMs += 500),
  };
  const config = new LiveConfig('site.yaml', 'site: east', parse('site: east'), ports);
  const apply = (site: CompiledSite): Promise<readonly ConfigProblem[]> => {
    applied.push(site);
    return Promise.resolve([]);
  };
  config.attach({ apply, ...applier });
  return { config, events, applied };
}

describe('live config', () => {
  it('applies a good document', async () => {
    const { config, events, applied } = live();
    await config.offer('site: east\ndefaultKind: anycast');
    expect(applied.map((site) => site.defaultKind)).toEqual(['anycast']);
    expect(config.status).toMatchObject({ state: 'inForce', newest: 'applied', problems: [], restartNeeded: [] });
    expect(events).toEqual(['config-applied']);
  });

  it('keeps the old one in force when the new one is bad, until a good one comes', async () => {
    const { config, events, applied } = live();
    const { hash } = config.status;
    await config.offer('site: east\nhtpp: 1');
    expect(applied).toEqual([]);
    expect(config.status).toMatchObject({ state: 'degraded', newest: 'refused', hash, problems: [{ path: 'htpp' }] });
    await config.offer(new ConfigError('site.yaml', [{ path: '', expected: 'a readable file', found: 'ENOENT' }]));
    expect(config.status.problems).toMatchObject([{ expected: 'a readable file' }]);
    await config.offer('site: east');
    expect(config.status.state).toBe('inForce');
    expect(events).toEqual(['config-refused', 'config-refused', 'config-applied']);
    // What could not be read was not checked.
    expect(config.checks).toEqual({ accepted: 1, refused: 1, seconds: 1 });
  });

  it('names what waits for a restart, as long as it differs from what was started', async () => {
    const { config } = live();
    await config.offer('site: east\nhttp: { port: 1 }\nmesh: { dead: 3s }\nlog: { level: debug, format: text }');
    expect(config.status.restartNeeded).toEqual(['http', 'mesh.dead', 'log.format']);
    await config.offer('site: east');
    expect(config.status.restartNeeded).toEqual([]);
  });

  it('says what could not be applied', async () => {
    const problem = { path: 'listeners[0].port', expected: 'a free port', found: '5672' };
    const { config } = live({ apply: () => Promise.resolve([problem]) });
    await config.offer('site: east\ndefaultKind: anycast');
    expect(config.status).toMatchObject({ state: 'degraded', newest: 'partlyApplied', problems: [problem] });
  });

  it('takes one document after the other', async () => {
    const order: string[] = [];
    const apply = async (site: CompiledSite): Promise<readonly ConfigProblem[]> => {
      order.push(`begin ${site.node}`);
      await new Promise((resolve) => setTimeout(resolve, 5));
      order.push(`end ${site.node}`);
      return [];
    };
    const { config } = live({ apply });
    await Promise.all([config.offer('site: east\nnode: a'), config.offer('site: east\nnode: b')]);
    expect(order).toEqual(['begin a', 'end a', 'begin b', 'end b']);
  });

  it('passes over one that a newer one has overtaken while it waited', async () => {
    const { config, applied } = live();
    await Promise.all(['a', 'b', 'c'].map((node) => config.offer(`site: east\nnode: ${node}`)));
    expect(applied.map(({ node }) => node)).toEqual(['a', 'c']);
  });
});

describe('the document watcher', () => {
  function watched(text: string) {
    const told: (string | Error)[] = [];
    const state = { text, sign: () => undefined as void, due: null as (() => void) | null, watching: false };
    const ports: WatchPorts = {
      watch: (_file, onSign) => {
        state.sign = onSign;
        state.watching = true;
        return () => (state.watching = false);
      },
      read: () => {
        if (state.text === '') throw new Error('ENOENT');
        return state.text;
      },
      delay: (_ms, then) => {
        state.due = then;
        return () => (state.due = null);
      },
    };
    const watcher = new DocumentWatcher('site.yaml', text, (result) => void told.push(result), ports);
    watcher.start();
    return { state, told, watcher };
  }

  it('tells each content once, after writing has come to rest', () => {
    const { state, told } = watched('a');
    state.sign();
    state.due?.();
    expect(told).toEqual([]);
    state.text = 'b';
    state.sign();
    state.sign();
    expect(told).toEqual([]);
    state.due?.();
    state.sign();
    state.due?.();
    expect(told).toEqual(['b']);
  });

  it('tells once that the file is gone, and that it is back', () => {
    const { state, told } = watched('a');
    for (const text of ['', '', 'a']) {
      state.text = text;
      state.sign();
      state.due?.();
    }
    expect(told).toEqual([new Error('ENOENT'), 'a']);
  });

  it('stops', () => {
    const { state, watcher } = watched('a');
    state.sign();
    watcher.stop();
    expect([state.watching, state.due]).toEqual([false, null]);
  });
});
