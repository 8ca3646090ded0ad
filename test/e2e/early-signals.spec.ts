import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FairleadCommand } from '../support/command';
import { within } from '../support/eventually';

jest.setTimeout(60_000);

/**
 * Makes the process signal itself when a module of ours asks for another one: the very moment, on any machine. What the first
 * import of `main.js` does is all that can have happened when it asks for the second.
 */
function signalWhen(asking: string, nth: number, signal: NodeJS.Signals): string[] {
  const preload = `
    import Module from 'node:module';
    const load = Module._load;
    let asked = 0;
    Module._load = function (request, parent, ...rest) {
      if (parent?.filename.endsWith('${asking}') && ++asked === ${nth}) process.kill(process.pid, '${signal}');
      return load.call(this, request, parent, ...rest);
    };`;
  return ['--import', `data:text/javascript,${encodeURIComponent(preload)}`];
}

const MOMENTS = [
  ['its second import', 'cli/main.js', 2],
  ['the command line', 'cli/program.js', 3],
  ["the node's modules", 'dist/main.js', 3],
] as const;

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'fairlead-early-'))));
afterEach(() => rmSync(folder, { recursive: true }));

describe('a signal while the command line is loaded', () => {
  describe.each(['SIGTERM', 'SIGINT'] as const)('%s', (signal) => {
    it.each(MOMENTS)('ends run with 0 at %s, before anything is begun', async (_what, asking, nth) => {
      const file = join(folder, 'site.yaml');
      writeFileSync(file, "site: early\ndataDir: './data'\nhttp: { port: 0 }\n");
      const command = new FairleadCommand(['run', '-c', file], { node: signalWhen(asking, nth, signal) });
      expect(await within('the node ends', command.result)).toMatchObject({ code: 0, stdout: '' });
      expect(existsSync(join(folder, 'data'))).toBe(false);
    });

    it('ends any other command as if nobody had held it', async () => {
      const args = ['receive', 'topic/x', '--url', 'amqp://127.0.0.1:1'];
      const command = new FairleadCommand(args, { node: signalWhen('cli/main.js', 2, signal) });
      await within('the command ends', command.result);
      expect(command.process.signalCode).toBe(signal);
    });
  });
});

describe('a signal while a command waits for a document that nobody writes', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('%s ends it', async (signal) => {
    const pipe = join(folder, 'pipe');
    expect(spawnSync('mkfifo', [pipe]).status).toBe(0);
    const command = new FairleadCommand(['check', '-c', pipe]);
    // Opens once the command has opened the other end, and then waits for what comes.
    const writer = await within('the command reads', open(pipe, 'w'));
    command.process.kill(signal);
    await within('the command ends', command.result);
    await writer.close();
    expect(command.process.signalCode).toBe(signal);
  });
});
