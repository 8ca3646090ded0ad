/** Every limit of the link layer, its reason beside it. */

/** Mesh protocol versions that this build speaks, inclusive. */
export const PROTOCOL_MIN = 1;
export const PROTOCOL_MAX = 1;

/** Pause between two hellos, and the silence after which a neighbour counts as dead (three hellos). */
export const HELLO_MS = 500;
export const DEAD_MS = 1_500;
/** A link past its dead interval is looked at once more after this pause, so that the loop has polled its sockets in between. */
export const RECHECK_MS = 10;
/** A re-check that is itself this late says nothing about the neighbour: the loop stood still again. */
export const RECHECK_LATE_MS = 100;
/** Re-checks in a row that may be late before the link is given up all the same. */
export const RECHECKS_MAX = 5;
/** How long a link that says goodbye waits for the neighbour's goodbye and for its own queue. */
export const DRAIN_MS = 1_000;
/** Bytes that end no frame for so long belong to one whose length arrived damaged: the largest takes this long at 9 kB/s. */
export const FRAME_MS_MAX = 15_000;
/** A class that takes nothing for so long asks the neighbour for its window: the flow that opened it may have arrived damaged. */
export const SHUT_MS_MAX = 1_000;

/** Costs are summed over at most a few dozen hops; 2^24 leaves room far below 2^53. */
export const COST_MIN = 1;
export const COST_MAX = 2 ** 24;
/** Names of nodes, sites and links, in UTF-8 bytes. */
export const NAME_BYTES_MAX = 255;
/** Links of one node, those going down included: what a hub of a large star needs. */
export const LINKS_MAX = 4_096;

/** Frames of high and normal class, bulk among the latter, that may wait on one link. */
export const LINK_QUEUE_BYTES = 4 * 1024 * 1024;
/** Of those no more wait on a slow link than leave within this time, so that what is sent for an outcome is not late for it. */
export const QUEUE_MS_MAX = 1_500;
/** But always a few batches, or a stream would stall between two. */
export const QUEUE_BYTES_MIN = 256 * 1024;
/** A link's rate is measured over so long a time in which frames waited; longer than any stall that it survives (`DEAD_MS`). */
export const QUEUE_RATE_MS = 2_000;
/** Routed control frames (acknowledgements, outcomes) that may wait on one link; their streams send dropped ones again. */
export const CONTROL_QUEUE_BYTES = 8 * 1024 * 1024;
/** Neighbour frames that may wait on one link: a first snapshot of a large mesh. Past it the link is closed, for nothing may be missing. */
export const NEIGHBOUR_QUEUE_BYTES = 64 * 1024 * 1024;
/** Bytes that one stream may send before the next has its turn. */
export const QUANTUM_BYTES = 16 * 1024;
