/** Every bound of the store of queues, its reason beside it. */

/** Address space that its map begins with. It costs nothing until there is data; beyond it LMDB maps anew by itself. */
export const QUEUE_MAP_BYTES = 64 * 1024 ** 3;
/** Pages of a new store; in one of 4 KiB three messages of 1 KiB find room, and removing them moves two. Larger ones make a small write larger. */
export const QUEUE_PAGE_BYTES = 8 * 1024;
/** Largest value of a record. LMDB's binding copies values below 16 MiB, and lends memory of its map for longer ones. */
export const RECORD_BYTES_MAX = 8 * 1024 ** 2;
/** Free bytes of the file system below which the store is full: deletes, and what else lives on the volume, still fit. */
export const FREE_BYTES_MIN = 64 * 1024 ** 2;
/** On a small volume the least is this part of it. */
export const FREE_PART_MIN = 8;
/** The least of the least, for volumes that say nothing of their size; below it a write that fails has failed for want of room. */
export const FREE_BYTES_LEAST = 1024 ** 2;
/** A file that is given up when a write finds the disk full, so that deletes go on: some thousand pages. */
export const RESERVE_BYTES = 4 * 1024 ** 2;
/** On a small volume the file is this part of it. */
export const RESERVE_PART = 32;
/** Free space is looked at again after so many bytes were written: a fraction of what is kept free. */
export const SPACE_LOOK_BYTES = 1024 ** 2;
/** And again and again after so long, because others write to the volume too. */
export const SPACE_LOOK_MS = 250;
/** Groups that wait are copied into pieces of this size. */
export const CHUNK_BYTES = 256 * 1024;
/** So many pieces are kept for use again: as much as a segment of the redo log. */
export const CHUNKS_KEPT = 64;
/** Files of the redo log: one is written to, one is ready, and what is in the others goes to LMDB meanwhile. */
export const REDO_SEGMENTS = 4;
/** Length of the first ones; each that gets full makes the next twice as long. */
export const REDO_SEGMENT_BYTES_FIRST = 1024 ** 2;
/** And of the longest. What is in memory because it is not in LMDB yet is no more than four of them; most messages do not live for one. */
export const REDO_SEGMENT_BYTES_MAX = 16 * 1024 ** 2;
/** A file is never shorter. A larger group goes to LMDB itself. */
export const REDO_SEGMENT_BYTES_MIN = 256 * 1024;
/** On a small volume the longest is this part of it. */
export const REDO_PART = 32;
/** So many changed records, of each the last change, go to LMDB in one transaction: some ten ms of this thread. */
export const LAYER_RECORDS_MAX = 8_000;
/** Where fewer are changed they go to LMDB after so long: what a start after a kill has to do again. */
export const LAYER_MS = 2_000;
/** Pause before a store is opened again after a failure, the first time. */
export const REOPEN_MS_MIN = 50;
/** And at most: the pause doubles. */
export const REOPEN_MS_MAX = 2_000;
/** Up to this size a store is always read before it is opened, by a process that may die of it; a larger one after an unclean stop. */
export const PROBE_BYTES = 256 * 1024 ** 2;
/** Values are read for so long; after that the tree alone. */
export const PROBE_VALUES_MS = 2_000;
/** Records that a salvage writes in one transaction. */
export const SALVAGE_RECORDS = 5_000;
/** Damages that a check tells one by one; all are counted. */
export const DAMAGES_TOLD = 20;
/** Instructions of the binding that wait to be collected, at least: a million puts and deletes, for one collection that takes some ten ms. */
export const INSTRUCTION_GARBAGE_BYTES = 48 * 1024 ** 2;
/** And nothing is collected for them below so much memory of the process: half of what a node may take with millions of messages. */
export const MEMORY_COLLECTED_ABOVE = 200 * 1024 ** 2;
