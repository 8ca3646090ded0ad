import { SILENT_JOURNAL } from '../common/ports';
import { NodeMemory } from './node-memory';

function memory(error: Error | null) {
  const log: string[] = [];
  const note = (what: string) => Promise.resolve(void log.push(what));
  const parts = {
    state: { close: () => note('state closed') },
    store: { close: () => note('store closed') },
    clients: { close: () => note('clients closed') },
    queues: {
      stop: (done: (error: Error | null) => void) => {
        log.push('queues stop');
        setImmediate(done, error);
      },
    },
    journal: { ...SILENT_JOURNAL, warn: (event: string) => void log.push(event) },
  };
  return { log, parts };
}

it('a node closes its queues, then their store and that of clients, then what holds the lock of its folder', async () => {
  const { log, parts } = memory(null);
  await new NodeMemory(parts).close();
  expect(log).toEqual(['queues stop', 'store closed', 'clients closed', 'state closed']);
});

it('a node whose queues cannot say how they stand says so, and closes', async () => {
  const { log, parts } = memory(new Error('disk full'));
  await new NodeMemory(parts).close();
  expect(log).toEqual(['queues stop', 'queues-not-stopped', 'store closed', 'clients closed', 'state closed']);
});
