/** Every limit of TCP listeners and of services, its reason beside it. */

/** What one read brings: a connection keeps at most so much that its tunnel does not take. */
export const READ_BYTES = 64 * 1024;
/** Bytes of arrived batches that sockets may hold while they are written; past it what is written is copied, and the pool is free. */
export const HELD_BYTES_MAX = 8 * 1024 * 1024;
/** A service that does not take a connection within this time counts as one that refuses; less than an opening waits. */
export const CONNECT_MS_MAX = 5_000;
/** A silent connection is asked for a sign of life after so long: it finds clients that have gone without a word. */
export const KEEP_ALIVE_MS = 30_000;
/** A connection whose tunnel is over may take so long for each part of what it has not read yet. */
export const LINGER_MS = 60_000;
/** Commands that may expose a service at one node: each keeps a connection. */
export const EXPOSED_MAX = 100;
/** Callers that may wait for one such command to fetch them. */
export const CALLS_WAITING_MAX = 1_000;
/** A line of such a command: a token and a reason. */
export const LINE_BYTES_MAX = 4 * 1024;
/** What connections have to end by themselves while a node drains. */
export const DRAIN_MS = 1_000;
