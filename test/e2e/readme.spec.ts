import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { eventually, within } from '../support/eventually';
import { freePort } from '../support/free-ports';
import { ShellCommand } from '../support/shell-command';

jest.setTimeout(300_000);

const ROOT = resolve(__dirname, '../..');
const PROGRAM = join(ROOT, 'dist/cli/main.js');
const PYTHON = '/usr/bin/python3';

interface Block {
  readonly language: string;
  readonly text: string;
}

function blocksOf(markdown: string): Block[] {
  return [...markdown.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(([, language = '', text = '']) => ({
    language,
    text,
  }));
}

/** Commands that run until they are ended: a reader keeps a terminal for each. */
const STAYS = /^npx fairlead run|^npx fairlead receive|^node (subscriber|service)\.mjs/;
/** What such a command says when it can be relied upon. */
const READY = /fairlead ready|receiving from|subscribed|service ready/;

/** Follows the README as a newcomer does, in a folder of its own and on ports that are free. */
class Reader {
  readonly #folder = mkdtempSync(join(tmpdir(), 'fairlead-readme-'));
  readonly #ports = new Map<string, number>();
  readonly #commands: ShellCommand[] = [];
  /** Output already shown: an answer is expected after the answer before it. */
  readonly #read = new Map<ShellCommand, number>();

  async prepare(markdown: string): Promise<void> {
    for (const [port] of markdown.matchAll(/\b(?:5672|5673|8080|8081|55671)\b/g))
      if (!this.#ports.has(port)) this.#ports.set(port, await freePort());
    symlinkSync(join(ROOT, 'node_modules'), join(this.#folder, 'node_modules'));
    const bin = join(this.#folder, 'bin');
    mkdirSync(bin);
    const script = (name: string, text: string): void => {
      writeFileSync(join(bin, name), `#!/bin/sh\n${text}\n`);
      chmodSync(join(bin, name), 0o755);
    };
    script('npx', `shift; exec '${process.execPath}' '${PROGRAM}' "$@"`);
    script('node', `exec '${process.execPath}' "$@"`);
    script('python3', `exec ${PYTHON} "$@"`);
  }

  /** The block with our ports in it. The defaults that it does not write are in the environment and the documents. */
  #local(text: string): string {
    return text.replace(/\b(?:5672|5673|8080|8081|55671)\b/g, (port) => String(this.#ports.get(port) ?? port));
  }

  write({ text }: Block): void {
    const [, name] = /^(?:#|\/\/) (\S+\.\w+)$/m.exec(text) ?? [];
    if (name === undefined) throw new Error(`a file without a name in its first line:\n${text}`);
    writeFileSync(join(this.#folder, name), this.#withDefaults(name, this.#local(text)));
  }

  /** The README's east runs on the default ports, which may be taken here. */
  #withDefaults(name: string, text: string): string {
    if (name !== 'east.yaml') return text;
    const port = (wanted: string): number => this.#ports.get(wanted) ?? Number(wanted);
    return `${text}
http: { port: ${port('8080')} }
listeners: [{ port: ${port('5672')} }]
mesh: { listen: [{ port: ${port('55671')} }] }
`;
  }

  async run({ text }: Block): Promise<void> {
    for (const line of this.#local(text).trimEnd().split('\n')) {
      await this.#stopFormer(line);
      const command = new ShellCommand(line, {
        cwd: this.#folder,
        env: {
          ...process.env,
          PATH: `${join(this.#folder, 'bin')}:${process.env['PATH'] ?? ''}`,
          FAIRLEAD_URL: this.#local('amqp://127.0.0.1:5672'),
          FAIRLEAD_API: this.#local('http://127.0.0.1:8080'),
        },
      });
      this.#commands.push(command);
      if (STAYS.test(line))
        await eventually(`${line} is ready`, () => READY.test(command.output), { otherwise: () => command.output });
      else {
        const code = await within(`${line} ends:\n${command.output}`, command.code);
        if (code !== 0) throw new Error(`${line} ended with ${code}:\n${command.output}`);
      }
    }
  }

  /** A node that is to run again is stopped first, as the reader is told to. */
  async #stopFormer(line: string): Promise<void> {
    const former = this.#commands.findIndex((command) => line.startsWith('npx fairlead run') && command.line === line);
    const [command] = former < 0 ? [] : this.#commands.splice(former, 1);
    command?.interrupt();
    if (command !== undefined && (await command.code) !== 0) throw new Error(`${line} ended badly:\n${command.output}`);
  }

  /** Each line of the answer is shown by one of the commands, after what was shown before. */
  async expect({ text }: Block): Promise<void> {
    for (const line of this.#local(text).trimEnd().split('\n')) {
      const words = line.split(/ {2,}/).map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
      const pattern = new RegExp(words.join(' {2,}'));
      await eventually(`an answer: ${line}`, () => this.#commands.some((command) => this.#shows(command, pattern)), {
        otherwise: () => this.#commands.map(({ line: said, output }) => `$ ${said}\n${output}`).join('\n'),
      });
    }
  }

  #shows(command: ShellCommand, pattern: RegExp): boolean {
    const from = this.#read.get(command) ?? 0;
    const found = pattern.exec(command.stdout.slice(from));
    if (found) this.#read.set(command, from + found.index + found[0].length);
    return found !== null;
  }

  /** As Ctrl-C in every terminal. @returns the exit codes of the nodes */
  async stop(): Promise<(number | null)[]> {
    const nodes = this.#commands.filter(({ line }) => line.startsWith('npx fairlead run'));
    for (const command of this.#commands) if (!nodes.includes(command)) command.interrupt();
    for (const node of nodes) node.interrupt();
    return Promise.all(nodes.map(({ code }) => code));
  }

  dispose(): void {
    for (const command of this.#commands) command.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

const reader = new Reader();
afterAll(() => reader.dispose());

it('what the README says is what happens', async () => {
  expect(existsSync(PROGRAM)).toBe(true);
  const markdown = readFileSync(join(ROOT, 'README.md'), 'utf8');
  const blocks = blocksOf(markdown);
  expect(blocks.filter(({ language }) => language === 'sh').length).toBeGreaterThan(8);
  const proton = spawnSync(PYTHON, ['-c', 'import proton']).status === 0;
  if (process.env['CI'] === 'true') expect(proton).toBe(true);
  await reader.prepare(markdown);
  let skipped = false;
  for (const block of blocks) {
    const { language, text } = block;
    if (!proton && text.includes('python3')) skipped = true;
    else if (language === 'sh') await reader.run(block);
    else if (language === 'text' && skipped) skipped = false;
    else if (language === 'text') await reader.expect(block);
    else if (language !== 'mermaid') reader.write(block);
  }
  expect(await reader.stop()).toEqual([0, 0]);
});
