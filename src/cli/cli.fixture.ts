import type { CliIo } from './io';

export interface BufferIo extends CliIo {
  stdout(): string;
  stderr(): string;
  /** Ctrl-C. */
  interrupt(): void;
}

/** Captures what a command writes. */
export function bufferIo(stdin: string | Buffer = ''): BufferIo {
  const out: string[] = [];
  const err: string[] = [];
  let interrupt = (): void => undefined;
  const done = new Promise<void>((resolve) => (interrupt = resolve));
  return {
    out: (line, written) => {
      out.push(line);
      written?.();
    },
    err: (line) => void err.push(line),
    env: {},
    readStdin: () => Promise.resolve(Buffer.from(stdin)),
    interrupted: () => ({ done, disarm: () => undefined }),
    earlySignal: () => null,
    stdout: () => out.join('\n'),
    stderr: () => err.join('\n'),
    interrupt: () => interrupt(),
  };
}
