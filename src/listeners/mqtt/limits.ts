/** Every limit of MQTT at the edge, its reason beside it. */

/** Time from a connection to its CONNECT: a client sends it at once. */
export const CONNECT_MS = 10_000;
/** Longest keep-alive: a client of MQTT 5 that asks for none, or for more, is told this one, so that no dead one stays for days. */
export const KEEP_ALIVE_S_MAX = 18 * 3_600;
/** A CONNECT holds a will, a user name and a password of up to 64 KiB each. */
export const CONNECT_BYTES_MAX = 256 * 1024;
/** Any other packet that is no PUBLISH: a SUBSCRIBE of a thousand filters. */
export const CONTROL_BYTES_MAX = 128 * 1024;
/** A longer PUBLISH goes on as it comes; its head, topic and properties, has this size at most. */
export const GATHER_BYTES_MAX = 48 * 1024;
/** Packets of one client that wait for credit, while its acknowledgements are read: as many small messages as it may have open. */
export const ASIDE_BYTES_MAX = 256 * 1024;
/** User properties of one packet: each is a small object for a while. */
export const USER_PROPERTIES_MAX = 1_000;
/** Client id: percent-encoded it is part of a queue's name, which has 4,096 bytes. */
export const CLIENT_ID_BYTES_MAX = 512;
/** Messages of a client of QoS 1 and 2 that are not acknowledged, told as Receive Maximum. */
export const RECEIVE_MAXIMUM = 1_024;
/** The same of MQTT 3.1.1, which cannot be told: what a session keeps of them has a bound. */
export const PACKET_IDS_MAX = 4_096;
/** The same towards a client, whatever more it allows. */
export const IN_FLIGHT_MAX = 1_024;
/** Topic aliases of one client, either way. */
export const TOPIC_ALIASES_MAX = 64;
/** Topics that are remembered with what they mean, all clients together, and their longest name. */
export const TOPICS_CACHED_MAX = 8_192;
export const TOPIC_CACHED_BYTES_MAX = 256;
/** Filters of one client. */
export const FILTERS_MAX = 1_000;
/** Filters that all clients together begin to subscribe to in one turn of the event loop; each takes some 50 µs. */
export const FILTERS_OF_TURN = 25;
/** SUBSCRIBE packets of one client that are not answered: past it nothing more is read from it. */
export const SUBSCRIBES_PENDING_MAX = 100;
/** Bytes to one client that are not written: past it it gets no further message, and its lanes fill. */
export const UNWRITTEN_BYTES_MAX = 256 * 1024;
/** Deliveries that a subscription takes at once where nothing else bounds it. */
export const DELIVERIES_AT_ONCE = 64;
/** Acknowledgements that wait behind a large message on its way out: past it nothing more is read from that client. */
export const BEHIND_LARGE_BYTES_MAX = 64 * 1024;
/** What the node says of itself below `$SYS` is told again this often, where it has changed; as often as mosquitto does it. */
export const SYSTEM_VALUES_MS = 10_000;
/** Bytes of a message of another protocol whose body has to be rendered for a client of MQTT. */
export const RENDERED_BYTES_MAX = 1024 * 1024;
/** Reason strings are cut to this. */
export const REASON_CHARS_MAX = 300;
