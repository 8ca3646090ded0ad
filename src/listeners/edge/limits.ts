/** Every limit of what clients of all protocols hold together, its reason beside it. */

/** Links of all clients: each costs some KiB here and in the address layer. */
export const LINKS_MAX = 65_536;
/** Messages of several frames that are gathered before they are published; past it they are streamed on from their first frame. */
export const GATHERED_BYTES_MAX = 16 * 1024 * 1024;
/** Packets that wait until their client may publish again, while what follows them is read. */
export const ASIDE_BYTES_MAX = 16 * 1024 * 1024;
/** Messages whose time has not come, for all plain subscribers; past it one that holds some takes no more until it has given one. */
export const DELAYED_NODE_BYTES_MAX = 32 * 1024 * 1024;
/** Delayed messages that wait for one plain subscriber: past them it takes nothing, and its topic's `slow` decides. */
export const DELAYED_MESSAGES_MAX = 1_000;
/** Their bytes. */
export const DELAYED_BYTES_MAX = 1024 * 1024;
