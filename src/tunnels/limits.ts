/** Every limit of the tunnel layer, its reason beside it. */

/** Tunnels that begin at one node, and as many that end at its services: what a few thousand descriptors carry. */
export const TUNNELS_MAX = 4_096;
/** Services that one node offers, and of another node those that are listened to: each is told to the whole mesh. */
export const SERVICES_MAX = 1_000;
/** Name of a service in UTF-8 bytes: it travels with every opening, and as a key of the interest. */
export const SERVICE_BYTES_MAX = 255;

/** Memory for what services and their callers have not read yet, shared by the tunnels that are open at a node. */
export const TUNNEL_POOL_BYTES = 64 * 1024 * 1024;
/** What one tunnel may have on its way, whatever the pool says: two of the longest pieces, so that it never stalls between them. */
export const TUNNEL_WINDOW_BYTES_MIN = 64 * 1024;
/** More is only of use past 2 GB/s at 1 ms, or 20 MB/s at 100 ms, and a reader that stands still costs as much. */
export const TUNNEL_WINDOW_BYTES_MAX = 2 * 1024 * 1024;
/** Bytes of one piece: two of them and their heads fill a batch. */
export const PIECE_BYTES_MAX = 31 * 1024;
/** Tunnels that are told in one turn that a stream takes more: together they can fill it again, and no more. */
export const WOKEN_MAX = 8;

/** An opening without an answer for so long goes to the next site; longer than a connector takes to give up. */
export const OPEN_MS_MAX = 15_000;
/** A site whose service could not be reached is asked after all others for so long. */
export const FAILED_MS = 5_000;
/** The same for one that was full: its connections come and go. */
export const FULL_MS = 1_000;
/** Characters of a reason that another node is told. */
export const REASON_CHARS_MAX = 200;
