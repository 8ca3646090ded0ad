import { readFileSync } from 'node:fs';

/** Resident bytes of a process now. */
export function residentBytes(pid: number): number {
  const kib = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  if (kib === undefined) throw new Error(`process ${pid} tells no VmRSS`);
  return Number(kib) * 1024;
}

/** Looks at a process' memory until stopped. */
export class MemoryWatch {
  peakBytes = 0;
  readonly #timer: NodeJS.Timeout;

  constructor(pid: number) {
    this.#timer = setInterval(() => (this.peakBytes = Math.max(this.peakBytes, residentBytes(pid))), 100);
  }

  stop(): number {
    clearInterval(this.#timer);
    return this.peakBytes;
  }
}
