/** Every limit of queues, its reason beside it. */

/** Length of a queue's name in UTF-8 bytes: what an address may have. */
export const QUEUE_NAME_BYTES_MAX = 4_096;
/** Queues of one node: each costs a few KiB, and a row in health. */
export const QUEUES_MAX = 10_000;
/** Messages of one priority that wait in memory; the others are on the disk and read by the window. */
export const WINDOW_MESSAGES = 4_096;
/** What one takes in memory beside its record. */
export const ENTRY_BYTES = 400;
/** The same in bytes; one message is always let in. */
export const WINDOW_BYTES = 2 * 1024 * 1024;
/** What all windows together may take before each has to do with the least. */
export const WINDOWS_BYTES = 64 * 1024 * 1024;
/** Which is this much, until all of them together take twice as much. */
export const WINDOW_BYTES_LEAST = 64 * 1024;
/** And from then on: some small messages, so that 10,000 queues with a backlog fit into memory. */
export const WINDOW_BYTES_FEW = 4 * 1024;
/** How far the delivered mark is raised ahead: one small record for so many deliveries, and so many told redelivered after a crash. */
export const DELIVERED_MARK_STEP = 4_096;
/** Puts of one origin that may be without an answer: outcomes that are not accepted are remembered so far back. */
export const PUTS_OUTSTANDING_MAX = 16_384;
/** Numberings of one origin that are remembered; older ones are of lives that are over. */
export const MARK_EPOCHS_MAX = 2;
/** Bytes on their way to the disk past which publishers get no more credit. */
export const UNFLUSHED_BYTES_MAX = 16 * 1024 * 1024;
/** Removals that nobody waits for wait so long for puts to be flushed with: what a crash may bring back, marked redelivered. */
export const REMOVALS_WAIT_MS = 5;
/** What `room` says where nothing bounds it. */
export const ROOM_MAX = 1_000_000;
/** Records are copied into pieces of this size: what one message that stays can keep in memory. */
export const SLAB_BYTES = 16 * 1024;
/** Messages of a queue that wait in memory because no consumer with credit takes them; past it those behind them wait too. */
export const ASIDE_MAX = 1_024;
/** Messages that one turn of a purge, or of another walk through a queue, looks at: some ms. */
export const WALK_PER_TURN = 1_024;
/** Messages that a consumer with a selector, or a browser, has looked at in one turn: some ms; the rest follows in the next turns. */
export const SCAN_PER_TURN = 2_048;
/** Messages found by one read for such a consumer. */
export const SCAN_FOUND_MAX = 64;
/** Messages that are back in their place, remembered for a consumer that has passed them; past it that consumer looks again from there. */
export const RETURNED_MAX = 1_024;
/** Message groups of a queue that belong to a consumer; the one that was given longest ago is free again. */
export const GROUPS_MAX = 16_384;
/** Messages of a queue of which it is remembered which consumers must not have them again. */
export const EXCLUSIONS_MAX = 4_096;
/** Consumers that are remembered of one such message: past it the first one may have it again. */
export const EXCLUDED_ENDPOINTS_MAX = 64;
/** Bytes of one queue that lives in memory, whatever its rule says. */
export const TEMPORARY_BYTES_MAX = 64 * 1024 * 1024;
/** The same of all of them together, but for those whose publishers wait: a client may have as many as it likes. */
export const TEMPORARY_BYTES_ALL_MAX = 256 * 1024 * 1024;
/** How far ahead a delivery time may be: ten years. */
export const DELAY_MS_MAX = 315_360_000_000;
/** Message-ids that a queue remembers to find duplicates; the oldest go first, whatever the window. */
export const DUPLICATE_IDS_MAX = 100_000;
/** Time between looks at what waits and expires. */
export const EXPIRY_LOOK_MS = 1_000;
/** Messages on the disk that one such look reads: a few ms; it goes on from there. */
export const EXPIRY_LOOK_RECORDS = 4_096;
/** Dead letters of a queue that are on their way to an address that is not here. */
export const FORWARDS_MAX = 64;
/** After so long a dead letter that was not taken is sent again. */
export const FORWARD_RETRY_MS = 5_000;
/** Smaller messages are stored with each queue that has them: two copies take no more than two references, the message and a count. */
export const SHARED_BYTES_LEAST = 128;
/** The same of a message for one subscription here and others at other nodes: more is written to name it there. */
export const CO_HELD_BYTES_LEAST = 256;
/** A queue that leaves waits so long for its dead letters under way; those not answered by then are sent again by its next home. */
export const DETACH_MS = 5_000;
/** Size of the parts that large messages are stored in: what a read of one copies. */
export const SEGMENT_BYTES = 32 * 1024;
/** Parts of one large message: bounds it at 32 GiB. */
export const SEGMENTS_MAX = 1_048_576;
/** Bytes of large messages that one turn of a queue copies to the store. */
export const LARGE_BYTES_PER_TURN = 512 * 1024;
/** Parts of removed large messages that one turn deletes. */
export const SEGMENTS_DELETED_PER_TURN = 1_024;
/** Where header, annotations and properties of a large message must lie to be read. */
export const LARGE_HEAD_BYTES = 64 * 1024;
/** Messages and settlements of one transaction, and the bytes of its messages: they wait in memory. */
export const TRANSACTION_OPERATIONS_MAX = 10_000;
export const TRANSACTION_BYTES_MAX = 16 * 1024 * 1024;
/** Addresses that did not take a dead letter, after which no other one is tried: a forged origin is another one each time. */
export const REFUSED_ADDRESSES_MAX = 1_000;
/** The same of what it puts into subscriptions, each of which has its own record of a message: a turn of some 100 ms at the most. */
export const TRANSACTION_COPIES_MAX = 50_000;
/** Records that an intake puts into its queues in one turn, but for the last message, which is put as a whole: some ten ms. */
export const PLACED_PER_TURN = 4_096;
/** And of those that are on their way to the disk: each takes some hundred bytes of memory until then. */
export const PLACED_UNFLUSHED_MAX = 16_384;
/** Bytes that wait for their turn at an intake, past which publishers of this node get no more credit. */
export const INTAKE_WAITING_BYTES = 1024 * 1024;
/** Timers on wall-clock time are looked at this often, for the clock may jump. */
export const WALL_LOOK_MS = 1_000;
/** Messages that one look of an operator shows, and the first bytes of each. */
export const PEEK_MESSAGES_MAX = 1_000;
export const PEEK_BYTES = 64 * 1024;
