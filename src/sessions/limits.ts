/** Every limit of what clients leave in the mesh, its reason beside it. */

/** An entry of the table with its key: fits one control message, which fits one batch. */
export const ENTRY_BYTES_MAX = 56 * 1024;
/** A retained message: what is larger is no state of a device, and every node keeps it. */
export const RETAINED_BYTES_MAX = 48 * 1024;
/** Retained messages of the whole mesh, with their topics: every node has all of them in memory, and on its disk. */
export const RETAINED_TOTAL_BYTES_MAX = 64 * 1024 * 1024;
/** What other nodes had room for is kept past that, up to so many times of it: nodes that differ would never be in step. */
export const RETAINED_OVERRUN = 2;
/** What an entry takes in memory beside its key and its value. */
export const ENTRY_EXTRA_BYTES = 200;
/** How long it is remembered that a retained message was cleared: a node that was away longer may bring it back. */
export const RETAINED_TOMBSTONE_MS = 7 * 24 * 3_600_000;
/** Entries that say that something is gone; the oldest are forgotten past it. */
export const TOMBSTONES_MAX = 200_000;
/** Keys of such entries together, each with `ENTRY_EXTRA_BYTES`: a topic may have 4,096 bytes. */
export const TOMBSTONES_BYTES_MAX = 64 * 1024 * 1024;
/** Entries that one change has forgotten for want of such room: some more than one, and no turn takes long. */
export const FORGOTTEN_AT_ONCE = 4;
/** What is over is looked for this often. */
export const TABLE_LOOK_MS = 1_000;
/** Entries in one such look, so that no turn takes long. */
export const TABLE_LOOK_ENTRIES = 10_000;
/** Parts that two nodes compare their tables by: one that differs is sent as a whole. */
export const BUCKETS = 256;
/** Entries in one message to another node. */
export const PAGE_BYTES = 32 * 1024;
/** What a node is told and has not said to have; what changes meanwhile waits, each key once. */
export const NEWS_WINDOW_BYTES = 256 * 1024;
/** Keys that wait for one node; past it they are forgotten, and it is compared when there is room. */
export const NEWS_KEYS_MAX = 10_000;
/** A node that was asked for a part and is silent for so long is asked no more, until it is compared again. */
export const ASK_MS = 10_000;
/** Tables are compared this often although nothing is known to be amiss. */
export const COMPARE_MS = 10 * 60_000;
/** After so long what the disk did not take is written again. */
export const DISK_RETRY_MS = 5_000;
/** Sessions of the whole mesh, those that outlive their connections and those of clients that are connected. */
export const SESSIONS_MAX = 100_000;
/** Their records together, with what each takes in memory beside them; clients that want more are refused. Some 1,300 bytes for each of the most. */
export const SESSIONS_TOTAL_BYTES_MAX = 128 * 1024 * 1024;
/** What is told of one to all nodes, its subscriptions and its will; with its state it fits one message between nodes. */
export const SESSION_RECORD_BYTES_MAX = 32 * 1024;
/** State of its protocol, kept at the node of its connection. */
export const SESSION_STATE_BYTES_MAX = 24 * 1024;
/** Length of a client id in UTF-8 bytes. */
export const CLIENT_ID_BYTES_MAX = 1_024;
/** How long it is remembered that a session has ended: its node says so again to whoever has missed it. */
export const SESSION_TOMBSTONE_MS = 3_600_000;
/** A client waits so long for the node that has its session, and for the end of what a clean start ends. */
export const SESSION_OPEN_MS = 10_000;
/** Nodes that a session is looked for at, one after the other, while it moves. */
export const SESSION_HOPS_MAX = 4;
/** Sessions and wills whose time may have come are looked at this often. */
export const SESSION_LOOK_MS = 1_000;
/** What could not be ended, for its home was out of reach or somebody consumed it, is tried again after so long. */
export const SESSION_END_RETRY_MS = 10_000;
/** After a start nothing is done for clients of the last run before all nodes that it knew have told what they did meanwhile, so long at most. */
export const SESSIONS_START_MS = 10_000;
/** Wills that wait for credit; each costs its payload. */
export const WILLS_WAITING_MAX = 10_000;
