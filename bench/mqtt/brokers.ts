import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startChild, type Child } from '../child';
import { freePort } from '../free-port';
import type { Relay } from '../nodes';

const ROOT = join(__dirname, '..', '..', '..');

function relayOf(port: number, { subject, stop }: Child): Relay {
  const at = { host: '127.0.0.1', port };
  return { ingress: at, sites: [at], subjects: [subject], stop };
}

/** Mosquitto as Debian has it: without a bound on what is under way or waits (it would drop messages), and without Nagle's delay. */
export async function startMosquitto(): Promise<Relay> {
  const folder = mkdtempSync(join(tmpdir(), 'fairlead-bench-mosquitto-'));
  const port = await freePort();
  const file = join(folder, 'mosquitto.conf');
  const lines = [
    `listener ${port} 127.0.0.1`,
    'allow_anonymous true',
    'persistence false',
    'max_inflight_messages 0',
    'max_queued_messages 0',
    'set_tcp_nodelay true',
    'log_type error',
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  try {
    const relay = relayOf(port, await startChild('mosquitto', port, 'mosquitto', ['-c', file]));
    return { ...relay, stop: () => relay.stop().finally(remove) };
  } catch (error) {
    remove();
    throw error;
  }
}

/** Aedes with what it has by itself: all in memory. */
export async function startAedes(): Promise<Relay> {
  const port = await freePort();
  const script = join(ROOT, 'bench', 'mqtt', 'aedes.mjs');
  return relayOf(port, await startChild('aedes', port, process.execPath, [script, String(port)]));
}
