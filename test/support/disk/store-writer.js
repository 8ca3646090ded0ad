'use strict';

/**
 * A store of queues in a process of its own that writes numbered groups, each again until it is done: group n puts three records whose
 * values begin with their key, and deletes those of group n - keep. So a store that holds group n, whole, holds the last `keep`
 * groups and nothing else. Told by a JSON argument; says one line for each thing that happens. Obeys the state as queues do: while the
 * store is full it puts nothing.
 *
 * `early` acknowledges what is not on the disk yet: a wrong store, for tests of tests. `greedy` puts while the store is full.
 */
const { openSync, writeSync } = require('node:fs');
const { join } = require('node:path');
const built = (name) => require(join(__dirname, '../../../dist/store', name));
const { LmdbQueueStore } = built('queue-store.js');
const { probeQueueStore } = built('store-probe.js');

const { folder, from, to, window, keep, early, greedy, acks, layerMs } = JSON.parse(process.argv[2]);
const LENGTHS = [100, 300, 40];
const RECORDS = LENGTHS.length;
const DRAIN = 10;
const acknowledgements = acks ? openSync(acks, 'a') : null;

function say(...words) {
  process.stdout.write(`${words.join(' ')}\n`);
}

function acknowledge(n) {
  if (acknowledgements !== null) writeSync(acknowledgements, `${n}\n`);
  say('done', n);
}

const store = LmdbQueueStore.open(folder, { probe: probeQueueStore, ...(layerMs === undefined ? {} : { layerMs }) });
let next = from;
let low = Math.max(from - keep, 0);
let inFlight = 0;
let refused = Infinity;
/** A sender has heard of the failure that there is now. */
let heard = false;
let draining = false;
let drains = false;
let closing = false;

function valueOf(n, r) {
  const long = n % 101 === 0 ? 70_000 : n % 17 === 0 ? 9_000 : LENGTHS[r];
  const value = Buffer.alloc(r === 0 ? long : LENGTHS[r], n);
  value.writeUInt32BE(n * RECORDS + r);
  return value;
}

function remove(n) {
  for (let r = 0; r < RECORDS; r++) store.delete(3, n % 4, n * RECORDS + r);
}

function put() {
  if (closing || draining || refused !== Infinity) return;
  while (inFlight < windowNow() && next <= to) group(next++);
}

/**
 * The background may be the first to find no room, and all that was under way then may be in the redo log already: the greedy one goes on,
 * one by one, until it has heard of it.
 */
function windowNow() {
  if (store.state === 'ok') return window;
  if (!greedy) return 0;
  return store.state === 'full' ? window : heard ? 0 : 1;
}

function group(n) {
  for (let r = 0; r < RECORDS; r++) store.put(3, n % 4, n * RECORDS + r, valueOf(n, r));
  if (n >= keep) remove(n - keep);
  inFlight++;
  if (early) acknowledge(n);
  store.commit({ done: (error) => done(n, error) });
}

function done(n, error) {
  inFlight--;
  if (error) {
    say('refused', n, error.condition);
    heard = true;
    refused = Math.min(refused, n);
  } else if (!early) acknowledge(n);
  if (inFlight === 0 && refused !== Infinity) [next, refused] = [refused, Infinity];
  setImmediate(put);
}

/** Deletes all, some groups at a time, also while the store is full; what is refused again once it works. */
function drain() {
  if (drains) return;
  if (inFlight > 0) return void setTimeout(drain, 5);
  drains = true;
  const end = Math.min(low + DRAIN, next);
  for (let n = low; n < end; n++) remove(n);
  store.commit({
    done: (error) => {
      drains = false;
      if (error) return say('undrained', error.condition);
      low = end;
      if (low < next) return drain();
      draining = false;
      say('drained', low);
      put();
    },
  });
}

const COMMANDS = {
  drain: () => {
    draining = true;
    drain();
  },
  close: () => {
    closing = true;
    return store.close().then(() => say('closed'));
  },
  ticks: () => say('ticks', ticks),
};

let ticks = 0;
setInterval(() => ticks++, 10).unref();
store.onState = (state) => {
  say('state', state);
  if (draining && state !== 'failed') drain();
  if (state === 'failed') heard = false;
  put();
};
process.stdin.setEncoding('utf8').on('data', (text) => {
  for (const command of text.split('\n').filter((line) => line !== '')) COMMANDS[command]();
});
say('open', store.putEpoch, store.wasClean, store.state);
put();
