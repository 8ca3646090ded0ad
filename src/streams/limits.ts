/** Every limit of the stream layer: its reason stands beside it, its use is in the metrics of the pools and counters. */

/** Largest body of one frame: big enough to amortise the head, small enough that control never waits long behind it. */
export const BATCH_BYTES_MAX = 64 * 1024;
/** Largest body while a target's congestion window says that the path is slow. */
export const BATCH_BYTES_SLOW = 16 * 1024;
/** A path whose congestion window is below this counts as slow. */
export const SLOW_CWND_BYTES = 128 * 1024;
/** Messages above this travel as segments: with the longest name before it and its head a message still fits a batch. */
export const MESSAGE_BYTES_MAX = 56 * 1024;
/** Control messages are cut at about this length, so that one fits a batch whatever it tells. */
export const CONTROL_BYTES_MAX = 32 * 1024;
/** Error info or annotations passed back with an outcome; above it they are left out, the outcome itself never is. */
export const OUTCOME_FIELDS_BYTES_MAX = 16 * 1024;
/** Payload of one segment of a large message: other messages get their turn between two. */
export const SEGMENT_BYTES = 32 * 1024;
/** Names in one batch's dictionary; the field is 16 bits wide. */
export const BATCH_ADDRESSES_MAX = 4096;
/** Targets in one frame; the count is one byte. */
export const FRAME_TARGETS_MAX = 255;
/** Links a frame may cross: a loop between disagreeing nodes ends here. */
export const HOPS_MAX = 32;

/** What every active origin may always have outstanding, whatever the pool says: progress for all. */
export const WINDOW_BYTES_MIN = 64 * 1024;
/** Enough for 1 GB/s at 8 ms; more would only fill queues. */
export const WINDOW_BYTES_MAX = 8 * 1024 * 1024;
/** First congestion window of a stream. */
export const CWND_BYTES_INITIAL = 256 * 1024;
/** Below this a stream would stall between two batches. */
export const CWND_BYTES_MIN = 16 * 1024;
/** Unsent bytes of one stream at which it counts as full, and at which it no longer does. */
export const FULL_HIGH_BYTES = 512 * 1024;
export const FULL_LOW_BYTES = 128 * 1024;

/** Lower bound of the re-send time-out: a stalled event loop or a garbage collection must not look like loss. */
export const RESEND_MS_MIN = 200;
/** The re-send time-out while no round trip has been measured (RFC 6298): the path may be a slow one with a queue before it. */
export const RESEND_MS_INITIAL = 1_000;
/** Upper bound of the backed-off re-send time-out. */
export const RESEND_MS_MAX = 5_000;
/** Least pause after a congestion notice: a full queue must not be offered the same frame every turn. */
export const CONGESTION_PAUSE_MS = 20;
/** How long a gap may be mere reordering after a path change before the receiver reports it. */
export const GAP_DELAY_MS = 250;
/** Acknowledge at once after so many bytes, else within `ACK_DELAY_MS`. */
export const ACK_BYTES = 16 * 1024;
export const ACK_DELAY_MS = 10;
/** An origin counts as active, and shares the receive pool, for this long after its last frame. */
export const ACTIVE_MS = 5_000;
/** Addresses named in one gap event; the rest is summed under `GAP_OTHERS`. */
export const GAP_ADDRESSES_MAX = 1_000;
/** Bytes of a large message kept in memory at its destination before it is spooled to disk. */
export const LARGE_MEMORY_BYTES = 1024 * 1024;
/** Large messages one origin may have open towards this node. */
export const LARGE_OPEN_MAX = 1_024;
/** Staging buffers kept for reuse: 4 MiB, what a busy node has under way at once. */
export const STAGING_KEPT = 64;
