'use strict';

/**
 * Opens stores of queues as a node does and reads them to the end, one folder a line on its standard input. Answers each with one line
 * of JSON: the code of what it was refused for; or the keys whose records are damaged, and how many it found.
 */
const { createInterface } = require('node:readline');
const { join } = require('node:path');
const built = (name) => require(join(__dirname, '../../../dist/store', name));
const { LmdbQueueStore } = built('queue-store.js');
const { probeQueueStore } = built('store-probe.js');

const QUEUES = 4;
const SPACE = 3;

/** Goes on behind a damaged record, as nobody else does: all of them are to be told. */
function readQueue(store, queue, answer) {
  for (let from = 0; ;) {
    try {
      store.scan(SPACE, queue, from, Infinity, (key) => {
        from = key + 1;
        answer.found++;
        return true;
      });
      return;
    } catch (error) {
      answer.damaged++;
      if (error.key === undefined || error.key < from) return;
      from = error.key + 1;
    }
  }
}

async function open(folder) {
  let store;
  try {
    store = LmdbQueueStore.open(folder, { probe: probeQueueStore });
  } catch (error) {
    return { refused: error.code };
  }
  const answer = { refused: null, damaged: 0, found: 0 };
  for (let queue = 0; queue < QUEUES; queue++) readQueue(store, queue, answer);
  await store.close();
  return answer;
}

createInterface(process.stdin).on('line', async (folder) => {
  process.stdout.write(`${JSON.stringify(await open(folder))}\n`);
});
