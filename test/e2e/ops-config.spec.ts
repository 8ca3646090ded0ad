import { writeFileSync } from 'node:fs';
import { fairlead } from '../support/command';
import { eventually } from '../support/eventually';
import { FairleadNode } from '../support/fairlead-node';
import { freePort } from '../support/free-ports';

jest.setTimeout(180_000);

let node: FairleadNode;

beforeAll(async () => {
  node = await FairleadNode.start({ document: { site: 'east' } });
});

const ready = async (): Promise<Readonly<Record<string, Readonly<Record<string, unknown>>>>> =>
  ((await node.http('/health/ready')).body as { details: Record<string, Record<string, unknown>> }).details;

const api = (): string => `http://127.0.0.1:${node.httpPort}`;

describe('a document that changes under a running node', () => {
  it('takes effect live: rules, a listener, a link', async () => {
    const port = await freePort();
    node.rewrite((document) => ({
      ...document,
      addresses: [{ match: 'quote.*', kind: 'anycast' }],
      listeners: [...(document.listeners ?? []), { name: 'second', port }],
      mesh: { ...document.mesh, links: [{ name: 'to-nobody', connect: 'amqp://127.0.0.1:1', cost: 7 }] },
    }));
    await eventually('the second listener is bound', async () => {
      const { body } = await node.http('/api/v1/listeners');
      return (body as { listeners: { name: string }[] }).listeners.some(({ name }) => name === 'second');
    });
    expect((await fairlead('send', 'topic/quote.a', 'x', '--url', `amqp://127.0.0.1:${port}`)).stderr).toContain(
      "rule 'quote.*' says anycast",
    );
    await eventually('the new link is tried, and down', async () => {
      const [link] = await node.links();
      return link?.name === 'to-nobody' && link.state === 'down' && link.whyDown !== null;
    });
    const listed = await fairlead('links', '--api', api());
    expect(listed.stdout).toMatch(/^to-nobody +down +- +7 +here +- +\d+s +.*127\.0\.0\.1:1/m);
    const status = await fairlead('config', 'status', '--api', api());
    expect(status).toMatchObject({ code: 0, stdout: expect.stringMatching(/^state +in force$/m) as string });
  });

  it('leaves the old one in force when it is bad, and says so in the log, in health and on the command line', async () => {
    const rules = (await node.http('/api/v1/addresses')).body;
    writeFileSync(node.file, 'site: east\nlistners: []\nmesh: { links: [ { conect: x } ] }\n');
    const config = await eventually('health tells of it', async () => {
      const { config: told } = await ready();
      return told?.['degraded'] === true ? told : undefined;
    });
    expect(config['status']).toBe('up');
    expect(config['problems']).toEqual([
      expect.stringMatching(/^2:\d+ listners: .*unknown key "listners" \(did you mean listeners\?\)$/),
      expect.stringMatching(/^3:\d+ mesh\.links\[0\]\.connect: expected a mesh address/),
      expect.stringMatching(/^3:\d+ mesh\.links\[0\]\.conect: .*did you mean connect\?/),
    ]);
    expect((await node.http('/health/ready')).status).toBe(200);
    expect((await node.http('/api/v1/addresses')).body).toEqual(rules);
    await eventually('the log names it', () => /"event":"config-refused","code":"FL_CONFIG_INVALID"/.test(node.log()));
    const status = await fairlead('config', 'status', '--api', api());
    expect(status.code).toBe(1);
    expect(status.stdout).toMatch(/^state +degraded/m);
    expect(status.stdout).toContain('did you mean listeners?');
  });

  it('is in force again when it is mended, and what needs a restart is named', async () => {
    node.rewrite((document) => ({ ...document, mesh: { ...document.mesh, hello: '400ms' } }));
    const config = await eventually('health is content', async () => {
      const { config: told } = await ready();
      return told?.['degraded'] === false ? told : undefined;
    });
    expect(config['restartNeeded']).toEqual([expect.stringMatching(/^mesh/)]);
    const status = await fairlead('config', 'status', '--json', '--api', api());
    expect(JSON.parse(status.stdout)).toMatchObject({ state: 'inForce', problems: [] });
  });
});

describe('what a node refuses to start with', () => {
  it('a bad document ends with 2 and every error at once', async () => {
    writeFileSync(node.file, 'site: East\nbrokers: []\nhttp: { port: x }\n');
    for (const command of ['run', 'check']) {
      const { code, stderr } = await fairlead(command, '-c', node.file);
      expect(code).toBe(2);
      expect(stderr.trimEnd().split('\n').slice(1)).toEqual([
        expect.stringMatching(/^ {2}1:7 site: expected a DNS label.* found "East"$/),
        expect.stringMatching(/^ {2}2:\d+ brokers: not implemented in this version: foreign brokers$/),
        expect.stringMatching(/^ {2}3:\d+ http\.port: expected a whole number.* found "x"$/),
      ]);
    }
  });

  it('a port in use, or a data folder in use, ends with 3 and names it', async () => {
    const taken = await FairleadNode.prepare({
      document: { site: 'west', listeners: [{ port: node.amqpPort }] },
    });
    const { code, stderr } = await fairlead('run', '-c', taken.file);
    expect(code).toBe(3);
    expect(stderr).toContain(`FL_PORT_IN_USE: listeners[0]: 127.0.0.1:${node.amqpPort} cannot be bound`);
    const sharing = await FairleadNode.prepare({ document: { site: 'west' } });
    sharing.rewrite((document) => ({ ...document, dataDir: node.file.replace('site.yaml', 'data') }));
    const second = await fairlead('run', '-c', sharing.file);
    expect(second.code).toBe(3);
    expect(second.stderr).toContain('FL_DATA_DIR_IN_USE');
  });
});
