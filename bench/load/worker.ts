import { openIdle } from './idle';
import { monotonicUs } from './payload';
import type { Job, Mark, Reply, Request } from './protocol';
import { Receiver } from './receiver';
import { Sender } from './sender';

/** A load process: does one job for the bench's main process, which asks over the IPC channel. */
let sender: Sender | null = null;
let receiver: Receiver | null = null;
let idle = 0;

async function open(job: Job): Promise<number> {
  if (job.role === 'sender') {
    sender = await Sender.open(job);
    return 0;
  }
  if (job.role === 'idle') {
    idle = await openIdle(job);
    return 0;
  }
  receiver = new Receiver();
  return receiver.open(job);
}

function mark(reset: boolean): Mark {
  const { user, system } = process.cpuUsage();
  const latencies = receiver?.latencies ?? sender?.latencies;
  const taken = {
    atUs: monotonicUs(),
    cpuUs: user + system,
    rssBytes: process.memoryUsage.rss(),
    messages: sender?.sent ?? receiver?.messages ?? idle,
    wrong: sender?.refused ?? receiver?.wrong ?? 0,
    p50Ms: latencies?.quantileMs(0.5) ?? null,
    p99Ms: latencies?.quantileMs(0.99) ?? null,
  };
  if (reset) latencies?.reset();
  return taken;
}

async function answer(request: Request): Promise<Reply> {
  switch (request.type) {
    case 'open':
      return { type: 'opened', port: await open(request.job) };
    case 'go':
      sender?.go(request.limit);
      return { type: 'mark', mark: mark(false) };
    case 'mark':
      return { type: 'mark', mark: mark(request.reset) };
    case 'stop':
      await sender?.stop();
      await receiver?.stop(request.messages);
      return { type: 'mark', mark: mark(false) };
  }
}

function reply(message: Reply): void {
  process.send?.(message);
}

process.on('message', (request: Request) => {
  answer(request).then(reply, (error: Error) => reply({ type: 'failed', why: error.message }));
});
process.on('uncaughtException', (error) => {
  if (process.connected) process.send?.({ type: 'failed', why: error.stack ?? error.message }, () => process.exit(1));
  else process.exit(1);
});
process.on('disconnect', () => process.exit());
