import { FairleadCommand, fairlead } from '../support/command';
import { eventually, within } from '../support/eventually';
import { Mesh } from '../support/mesh';

jest.setTimeout(180_000);

let mesh: Mesh;
const url = (name: string): string => `amqp://127.0.0.1:${mesh.node(name).amqpPort}`;

beforeAll(async () => {
  mesh = await Mesh.line(['laptop', 'private', 'public'], {
    documents: {
      public: {
        addresses: [
          { match: 'alerts', kind: 'multicast' },
          { match: 'jobs.*', kind: 'anycast' },
        ],
      },
    },
  });
  await mesh.start();
});

/** A receiver that has attached. */
async function receiver(address: string, at: string, ...options: readonly string[]): Promise<FairleadCommand> {
  const command = new FairleadCommand(['receive', address, '--url', url(at), ...options]);
  await command.attached();
  return command;
}

function send(address: string, at: string, ...rest: readonly string[]): ReturnType<typeof fairlead> {
  return fairlead('send', address, ...rest, '--url', url(at));
}

describe('fairlead send and receive over two hops', () => {
  it('bring whole messages with their properties', async () => {
    const all = await receiver('topic/orders.#', 'public', '--count', '2', '--json');
    const some = await receiver('topic/orders.*.eu', 'private', '--count', '1');
    const sent = await send('topic/orders.new.eu', 'laptop', 'tea', '--property', 'region=eu', '--durable');
    expect(sent).toMatchObject({ code: 0, stdout: '1 accepted\n' });
    expect((await send('topic/orders.old', 'laptop', 'pot')).code).toBe(0);
    const { code, stdout } = await all.result;
    expect(code).toBe(0);
    const lines = stdout.trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      { header: { durable: true }, applicationProperties: { region: 'eu' }, body: 'tea' },
      { body: 'pot' },
    ]);
    expect(await some.result).toMatchObject({ code: 0, stdout: 'tea\n' });
  });

  it('bring bytes from stdin as they are, also many of them', async () => {
    const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 31) & 0xff));
    const far = await receiver('topic/blobs', 'public', '--count', '1', '--json');
    const command = new FairleadCommand(['send', 'topic/blobs', '-', '--url', url('laptop')], { stdin: bytes });
    expect((await command.result).code).toBe(0);
    const { body } = JSON.parse((await far.result).stdout) as { body: { base64: string } };
    expect(Buffer.from(body.base64, 'base64').equals(bytes)).toBe(true);
  });

  it('bring thousands in order, every one accepted', async () => {
    const far = await receiver('topic/many', 'public', '--count', '5000');
    expect(await send('topic/many', 'laptop', 'x', '--count', '5000')).toMatchObject({
      code: 0,
      stdout: '5000 accepted\n',
    });
    expect((await far.result).stdout.split('\n')).toHaveLength(5_001);
  });

  it('multicast is accepted when all consumers have it, and released when there are none', async () => {
    expect(await send('alerts', 'laptop', 'x')).toMatchObject({ code: 1, stdout: '1 released\n' });
    const both = [
      await receiver('alerts', 'private', '--count', '1'),
      await receiver('multicast/alerts', 'public', '--count', '1'),
    ];
    expect(await send('multicast/alerts', 'laptop', 'hot')).toMatchObject({ code: 0, stdout: '1 accepted\n' });
    for (const one of both) expect((await one.result).stdout).toBe('hot\n');
  });

  it('anycast waits for a consumer, and says so when none comes', async () => {
    const alone = await send('jobs.a', 'laptop', 'x', '--timeout', '500ms');
    expect(alone).toMatchObject({ code: 1, stdout: '1 not sent\n' });
    expect(alone.stderr).toContain('FL_CLIENT_STALLED');
    const waiting = send('jobs.a', 'laptop', 'work', '--timeout', '60s');
    const worker = await receiver('jobs.a', 'public', '--count', '1');
    expect(await waiting).toMatchObject({ code: 0, stdout: '1 accepted\n' });
    expect((await worker.result).stdout).toBe('work\n');
  });

  it('a prefix that contradicts the rule is refused, and the rule is named', async () => {
    const { code, stderr } = await send('topic/alerts', 'laptop', 'x');
    expect(code).toBe(1);
    expect(stderr).toMatch(/^FL_CLIENT_REFUSED: .*amqp:not-allowed: .*rule 'alerts' says multicast/);
  });

  it('end with 0 at Ctrl-C', async () => {
    const far = await receiver('topic/quiet', 'public');
    far.process.kill('SIGINT');
    expect(await far.result).toMatchObject({ code: 0, stdout: '' });
  });

  it('end when the reader of their output goes', async () => {
    const far = await receiver('topic/piped', 'public');
    far.process.stdout?.destroy();
    const ended = within('the receiver ends', far.result);
    await eventually('the receiver has noticed', async () => {
      await send('topic/piped', 'laptop', 'one');
      return far.process.exitCode !== null;
    });
    expect((await ended).code).toBe(0);
  });

  it('a receiver is told when its node shuts down', async () => {
    const far = await receiver('topic/late', 'private');
    expect(await mesh.node('private').stop()).toBe(0);
    const { code, stderr } = await within('the receiver ends', far.result);
    expect(code).toBe(1);
    expect(stderr).toMatch(/FL_CLIENT_LOST: .*shutting down/);
    await mesh.node('private').start();
    await mesh.converged();
  });
});
