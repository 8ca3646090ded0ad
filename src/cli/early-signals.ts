/**
 * Holds SIGINT and SIGTERM from the first line of our code until the command that runs takes them over: loading the command
 * line takes a third of a second, in which they would end the process by themselves. The first import of `main.ts`, and
 * without imports of its own, for the same reason.
 */
const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

let come: NodeJS.Signals | null = null;
const remember = (signal: NodeJS.Signals): void => void (come ??= signal);
for (const signal of SIGNALS) process.on(signal, remember);

/**
 * Ends the hold, for who listens already: what is on its way goes to that listener.
 * @returns the signal that has come
 */
export function takeEarlySignal(): NodeJS.Signals | null {
  for (const signal of SIGNALS) process.off(signal, remember);
  return come;
}

/**
 * Ends the hold, for who does not listen: what has come ends the process as if nobody had held it. To be awaited, since nobody
 * hears a signal that is held while a command blocks the loop, as by reading a pipe that nobody writes to.
 */
export function letEarlySignalsGo(): Promise<void> {
  return new Promise((resolve) => {
    // A signal that came while modules were loaded is told in the loop's next turn; without a listener it would be lost there.
    setImmediate(() => {
      const signal = takeEarlySignal();
      if (signal !== null) process.kill(process.pid, signal);
      resolve();
    });
  });
}
