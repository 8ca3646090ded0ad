import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { eventually, within } from './eventually';
import { freePort } from './free-ports';
import { ShellCommand } from './shell-command';

const ROOT = resolve(__dirname, '../..');
export const PROGRAM = join(ROOT, 'dist/cli/main.js');
export const PYTHON = '/usr/bin/python3';

/** A fenced block of a document that says its language. Those that say none are only looked at. */
export interface Block {
  readonly language: string;
  readonly text: string;
}

export function blocksOf(markdown: string): Block[] {
  return [...markdown.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(([, language = '', text = '']) => ({
    language,
    text,
  }));
}

/** The name in a block's first line, `# east.yaml`: it is a file to be written; null for a part of one. */
export function fileNameOf({ text }: Block): string | null {
  return /^(?:#|\/\/) (\S+\.\w+)\n/.exec(text)?.[1] ?? null;
}

/** Those that documents name. */
const PORTS = ['5672', '5673', '1883', '1884', '8080', '8081', '55671', '8090', '9090', '61613'];
const PORT = new RegExp(`\\b(?:${PORTS.join('|')})\\b`, 'g');
const NODE = /^npx fairlead run/;
/** Commands that run until they are ended: a reader keeps a terminal for each. */
const STAYS =
  /^npx fairlead run|^npx fairlead receive(?!.*--(?:unsubscribe|timeout))|^node (?:subscriber|service|ledger)\.mjs|^curl -sN/;
/** What such a command says when it can be relied upon. */
const READY = /fairlead ready|receiving from|subscribed|service ready|^retry: /;
/** What ends by itself once it has what it waits for. */
const COUNTED = /^npx fairlead receive .*--count/;
/** Before these a reader sees to it that nobody receives any more. */
const ENDING = /--unsubscribe|unsubscribe |^npx fairlead drain/;
const DRAIN = /^npx fairlead drain/;

/** Follows a document as a newcomer does, in a folder of its own and on ports that are free. */
export class Reader {
  readonly #folder = mkdtempSync(join(tmpdir(), 'fairlead-reader-'));
  readonly #ports = new Map<string, number>();
  readonly #commands: ShellCommand[] = [];
  /** Output already shown: an answer is expected after the answer before it. */
  readonly #read = new Map<ShellCommand, number>();

  async prepare(): Promise<void> {
    for (const port of PORTS) this.#ports.set(port, await freePort());
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

  /** Does what a block is for: its commands are run, what it answers is awaited, its file is written. */
  async follow(block: Block): Promise<void> {
    if (block.language === 'sh') await this.#run(block);
    else if (block.language === 'text') await this.#expect(block);
    else this.#write(block);
  }

  /** The text with our ports in it. The defaults that it does not write are in the environment and the documents. */
  #local(text: string): string {
    return text.replace(PORT, (port) => String(this.#ports.get(port) ?? port));
  }

  #write(block: Block): void {
    const name = fileNameOf(block);
    if (name === null) throw new Error(`a file without a name in its first line:\n${block.text}`);
    writeFileSync(join(this.#folder, name), this.#withDefaults(name, this.#local(block.text)));
  }

  /** East runs on the default ports, which may be taken here. */
  #withDefaults(name: string, text: string): string {
    if (name !== 'east.yaml') return text;
    const port = (wanted: string): number => this.#ports.get(wanted) ?? Number(wanted);
    const listeners = /^listeners:/m.test(text) ? '' : `listeners: [{ port: ${port('5672')} }]\n`;
    return `${text}
http: { port: ${port('8080')} }
${listeners}mesh: { listen: [{ port: ${port('55671')} }] }
`;
  }

  async #run({ text }: Block): Promise<void> {
    for (const line of this.#local(text).trimEnd().split('\n')) {
      await this.#stopFormer(line);
      if (ENDING.test(line)) await this.#receiversEnded();
      const command = new ShellCommand(line.replace(/ +#.*$/, ''), {
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
      if (DRAIN.test(line)) await this.#drained();
    }
  }

  /** A node that is to run again is stopped first, as the reader is told to. */
  async #stopFormer(line: string): Promise<void> {
    const former = this.#commands.findIndex((command) => NODE.test(line) && command.line === line);
    const [command] = former < 0 ? [] : this.#commands.splice(former, 1);
    command?.interrupt();
    if (command !== undefined && (await command.code) !== 0) throw new Error(`${line} ended badly:\n${command.output}`);
  }

  async #receiversEnded(): Promise<void> {
    for (const { line, code } of this.#commands) if (COUNTED.test(line)) await within(`${line} ends`, code);
  }

  /** One of the nodes has been told to end. */
  async #drained(): Promise<void> {
    const ends = this.#nodes.map(async (node) => ({ node, code: await node.code }));
    const { node, code } = await within('a node ends', Promise.race(ends));
    if (code !== 0) throw new Error(`${node.line} ended with ${code}:\n${node.output}`);
    this.#commands.splice(this.#commands.indexOf(node), 1);
  }

  get #nodes(): ShellCommand[] {
    return this.#commands.filter(({ line }) => NODE.test(line));
  }

  /** Each line of the answer is shown by one of the commands, after what was shown before. */
  async #expect({ text }: Block): Promise<void> {
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

  /** As Ctrl-C in every terminal. @returns the exit codes of the nodes that still ran */
  async stop(): Promise<(number | null)[]> {
    const nodes = this.#nodes;
    for (const command of this.#commands) if (!nodes.includes(command)) command.interrupt();
    for (const node of nodes) node.interrupt();
    return Promise.all(nodes.map(({ code }) => code));
  }

  dispose(): void {
    for (const command of this.#commands) command.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
