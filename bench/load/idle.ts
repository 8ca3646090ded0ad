import { connect } from './client';
import type { Job } from './protocol';

/** Connections being opened at the same time. */
const AT_ONCE = 64;

/** Opens connections that then do nothing. @returns how many are open */
export async function openIdle(job: Job & { role: 'idle' }): Promise<number> {
  let opened = 0;
  while (opened < job.connections) {
    const wave = Math.min(AT_ONCE, job.connections - opened);
    await Promise.all(Array.from({ length: wave }, () => connect(job.at)));
    opened += wave;
  }
  return opened;
}
