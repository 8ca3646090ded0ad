'use strict';

/** Loaded before a node (NODE_OPTIONS=--require): its store of queues says of every group that it is on the disk at once. A wrong node, for tests of tests. */
const { join } = require('node:path');
const { LmdbQueueStore } = require(join(__dirname, '../../../dist/store/queue-store.js'));

const { commit } = LmdbQueueStore.prototype;
LmdbQueueStore.prototype.commit = function commitEarly(completion) {
  setImmediate(() => completion.done(null));
  commit.call(this, { done: () => undefined });
};
