/** Every limit of HTTP and WebSockets at the edge, its reason beside it. */

/** Line and headers of a request: a message's properties travel as headers. */
export const HEADER_BYTES_MAX = 32 * 1024;
/** Headers of a request. */
export const HEADERS_MAX = 256;
/** Time for a request's headers to be whole, from its first byte or from the connection's beginning. */
export const HEADERS_MS = 10_000;
/** A connection without a request is closed after this. */
export const KEEP_ALIVE_MS = 65_000;
/** No byte of a body for so long, while it is read: its client has stopped. */
export const BODY_IDLE_MS = 30_000;
/** Requests of one connection that wait for their answers: more of them in a row end it. */
export const PIPELINE_MAX = 64;
/** A publish waits for credit, and then for its outcome, for so long unless its request says less. */
export const OUTCOME_MS = 30_000;
/** Publishers that one connection keeps for the addresses that it has sent to last. */
export const PUBLISHERS_MAX = 8;
/** A body is gathered up to this size and published as one; past it it is streamed on as a large message. */
export const GATHER_BYTES_MAX = 48 * 1024;
/** What is kept of a body until it can be understood: a structured event, or one message of a batch. */
export const ITEM_BYTES_MAX = 1024 * 1024;
/** All of a batch; it is read message by message, and never held. */
export const BATCH_BYTES_MAX = 256 * 1024 * 1024;
/** Messages of one batch: the answer has an outcome for each. */
export const BATCH_ITEMS_MAX = 10_000;
/** Of a body that is not wanted so much is read past, for so long: its client sees the answer, and the connection may go on. */
export const UNREAD_BYTES_MAX = 256 * 1024;
export const UNREAD_MS = 1_000;
/** A WebSocket's peer that does not answer the close frame is cut after this. */
export const WEBSOCKET_LINGER_MS = 1_000;
/** Pings are not answered while so much waits to be written: their sender does not read. */
export const PONG_UNWRITTEN_BYTES_MAX = 64 * 1024;
/** An event stream takes no more from the mesh while so much waits to be written: its reader is slow. */
export const EVENTS_UNWRITTEN_BYTES_MAX = 256 * 1024;
/** An event stream that has nothing to say says so this often. */
export const KEEP_EVENTS_MS = 15_000;
/** Events of a kept stream that its client has not acknowledged: then it is asked to come back, by which it does. */
export const UNACKNOWLEDGED_MAX = 500;
/** And so long after the first of them. */
export const ACKNOWLEDGE_MS = 60_000;
/** A client that does not come back to a kept stream for so long gets what it has not acknowledged again. */
export const RESUME_MS = 30_000;
/** Kept event streams of a node. */
export const EVENT_STREAMS_MAX = 4_096;
/** Names of subscriptions and clients, as of AMQP's. */
export const NAME_BYTES_MAX = 512;
/** Of a large message so much is read for its properties. */
export const LARGE_HEAD_BYTES_MAX = 64 * 1024;
/** A delivery is locked for so long unless its request says otherwise. */
export const LOCK_MS = 30_000;
/** At most. */
export const LOCK_MS_MAX = 600_000;
/** A request waits for a message for so long unless it says otherwise: enough for a queue at the other end of the mesh to answer. */
export const RECEIVE_MS = 1_000;
/** Requests wait for a message, or a reply, for so long at most. */
export const WAIT_MS_MAX = 60_000;
/** Locked deliveries of a node. */
export const DELIVERIES_MAX = 10_000;
/** What receives for requests stays so long after the last of them: the next one mostly follows. */
export const RECEIVER_IDLE_MS = 2_000;
