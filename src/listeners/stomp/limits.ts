/** Every limit of STOMP clients, its reason beside it. What a message may have is `limits.messageBytes` of the site document. */

/** Command and headers of one frame: what a message's application properties may come to. */
export const HEAD_BYTES_MAX = 64 * 1024;
/** Headers of one frame: no client writes as many by itself. */
export const HEADERS_MAX = 256;
/** The longest command has 11 bytes: what is no STOMP is known by its first few. */
export const COMMAND_BYTES_MAX = 16;
/** Receipt ids, ids of subscriptions, names of transactions: they are kept until they are answered, or ended. */
export const ID_BYTES_MAX = 1_024;
/** A new connection that has not said CONNECT by then is closed. */
export const CONNECT_MS = 10_000;
/** The head of a frame that takes longer, or a body that does not go on for so long, is somebody who holds the connection for nothing. */
export const FRAME_MS = 30_000;
/** Bytes that a client has not read: past them it gets no messages, and what it sends is not read. */
export const OUTPUT_BYTES_MAX = 256 * 1024;
/** Receipts that wait until a large message has been written: past them nothing more is read. */
export const RECEIPTS_DUE_MAX = 1_000;
/** Sections that the body of a large message may consist of: each costs a look at where it is. */
export const LARGE_SECTIONS_MAX = 65_536;
/** Of a large message so much may stand before its body: what `HEAD_BYTES_MAX` of headers come to in other clients' messages. */
export const LARGE_HEAD_BYTES_MAX = 128 * 1024;
/** Subscriptions of one connection. */
export const SUBSCRIPTIONS_MAX = 1_024;
/** Messages of one subscription that are not acknowledged, when it does not say how many by `prefetch-count`. */
export const PREFETCH_DEFAULT = 1_000;
/** And what it may say. */
export const PREFETCH_MAX = 65_535;
/** Transactions of one connection that are not ended. */
export const TRANSACTIONS_MAX = 256;
/** A transaction that takes longer is rolled back: until then what it has taken from queues is kept from others. */
export const TRANSACTION_MS = 300_000;
/** Temporary queues and topics of one connection. */
export const TEMPORARIES_MAX = 256;
/** Destinations that a connection has lately sent to are remembered: to look one up again costs little. */
export const DESTINATIONS_CACHED_MAX = 256;
/** Heart-beats that this node offers to send, and asks for, at the shortest. */
export const HEART_BEAT_SENDS_MS = 1_000;
export const HEART_BEAT_WANTS_MS = 10_000;
/** A client is gone after so many of its heart-beats without a byte: networks and garbage collectors take their time. */
export const HEART_BEATS_MISSED_MAX = 2;
/** A body that is no bytes and no text is written as text when it is delivered, whole: larger ones are not for STOMP clients. */
export const RENDERED_BYTES_MAX = 4 * 1024 * 1024;
