/** Where a command reads and writes; tests give buffers. */
export interface CliIo {
  /**
   * Answers, one line each.
   * @param written called once the line is out of our hands; never when it could not be written
   */
  out(line: string, written?: () => void): void;
  /** Everything about the answer. */
  err(line: string): void;
  readonly env: NodeJS.ProcessEnv;
  readStdin(): Promise<Buffer>;
  /** Resolves at the first Ctrl-C or SIGTERM, which then does not end the process; `disarm` gives that up. */
  interrupted(): { readonly done: Promise<void>; disarm(): void };
  /** The signal that came before the command could listen. Who asks listens already, and is told all that come from then on. */
  earlySignal(): NodeJS.Signals | null;
}

/** Takes the exit code of the command that ran. */
export type Finish = (code: number) => void;

async function readAll(): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

function interrupted(): { done: Promise<void>; disarm(): void } {
  let resolve = (): void => undefined;
  const done = new Promise<void>((settle) => (resolve = settle));
  const disarm = (): void => {
    for (const signal of SIGNALS) process.off(signal, handler);
  };
  // The second one ends the process: the first found somebody who does not listen.
  const handler = (): void => {
    disarm();
    resolve();
  };
  for (const signal of SIGNALS) process.on(signal, handler);
  return { done, disarm };
}

export const PROCESS_IO: Omit<CliIo, 'earlySignal'> = {
  out: (line, written) => void process.stdout.write(`${line}\n`, (error) => (error ? undefined : written?.())),
  err: (line) => void process.stderr.write(`${line}\n`),
  env: process.env,
  readStdin: readAll,
  interrupted,
};
