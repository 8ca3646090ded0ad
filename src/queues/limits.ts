/** Every limit of queues, its reason beside it. */

/** Length of a queue's name in UTF-8 bytes: what an address may have. */
export const QUEUE_NAME_BYTES_MAX = 4_096;
/** Queues of one node: each costs a few KiB, and a row in health. */
export const QUEUES_MAX = 10_000;
/** Messages of one priority that wait in memory; the others are on the disk and read by the window. */
export const WINDOW_MESSAGES = 4_096;
/** The same in bytes; one message is always let in. */
export const WINDOW_BYTES = 1024 * 1024;
/** What all windows together may take before each has to do with the least. */
export const WINDOWS_BYTES = 64 * 1024 * 1024;
/** The least that a window has. */
export const WINDOW_BYTES_LEAST = 64 * 1024;
/** How far the delivered mark is raised ahead: one small record for so many deliveries, and so many told redelivered after a crash. */
export const DELIVERED_MARK_STEP = 4_096;
/** Puts of one origin that may be without an answer: outcomes that are not accepted are remembered so far back. */
export const PUTS_OUTSTANDING_MAX = 16_384;
/** Numberings of one origin that are remembered; older ones are of lives that are over. */
export const MARK_EPOCHS_MAX = 2;
/** Bytes on their way to the disk past which publishers get no more credit. */
export const UNFLUSHED_BYTES_MAX = 16 * 1024 * 1024;
/** What `room` says where nothing bounds it. */
export const ROOM_MAX = 1_000_000;
/** Records are copied into pieces of this size: what one message that stays can keep in memory. */
export const SLAB_BYTES = 16 * 1024;
/** Messages of a queue that wait in memory because no consumer with credit takes them; past it those behind them wait too. */
export const ASIDE_MAX = 1_024;
/** Messages that one turn of a purge, or of another walk through a queue, looks at: some ms. */
export const WALK_PER_TURN = 1_024;
