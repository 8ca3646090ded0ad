import { setTimeout as pause } from 'node:timers/promises';

export interface Patience {
  /** Generous: it bounds a test that hangs, it is never what a test measures. */
  readonly withinMs?: number;
  readonly everyMs?: number;
  /** Told with the failure: what was seen instead, or the log of what was waited for. */
  readonly otherwise?: () => string;
}

const WITHIN_MS = 30_000;
const EVERY_MS = 20;

/**
 * Asks again and again until the answer is neither undefined nor false, and returns it. A probe that throws is asked again;
 * its last error is the cause of the failure.
 */
export async function eventually<T>(
  what: string,
  probe: () => T | undefined | false | Promise<T | undefined | false>,
  { withinMs = WITHIN_MS, everyMs = EVERY_MS, otherwise }: Patience = {},
): Promise<T> {
  const end = performance.now() + withinMs;
  let cause: unknown;
  do {
    try {
      const answer = await probe();
      if (answer !== undefined && answer !== false) return answer;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    await pause(everyMs);
  } while (performance.now() < end);
  const seen = otherwise ? `\n${otherwise()}` : '';
  throw new Error(`not within ${withinMs} ms: ${what}${seen}`, { cause });
}

/** Bounds a promise that may never settle. */
export async function within<T>(what: string, promise: Promise<T>, withinMs = WITHIN_MS): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${withinMs} ms: ${what}`)), withinMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
