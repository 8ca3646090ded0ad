/** Every limit of the routing layer, its reason beside it. */

/** Largest STATE frame: control never waits long behind one. */
export const STATE_BYTES_MAX = 64 * 1024;
/** Largest key and value of a replicated map; together they fit a frame with its head. */
export const KEY_BYTES_MAX = 8 * 1024;
export const VALUE_BYTES_MAX = 48 * 1024;
/** Frames of one snapshot: 256 MiB, more than any sane map. */
export const SNAPSHOT_PARTS_MAX = 4_096;
/** Entries of one frame of digests or requests: 64 KiB. */
export const DIGEST_ENTRIES_MAX = 3_400;
/** Entries of one whole digest: three spaces of 100,000 nodes. */
export const DIGEST_TOTAL_MAX = 300_000;
/** Deltas kept per map, so that who missed a few needs no snapshot. */
export const HISTORY_FRAMES_MAX = 32;
export const HISTORY_BYTES_MAX = 16 * 1024;
/** A missing version is asked for again after this long. */
export const REQUEST_AGAIN_MS = 1_000;
/** Neighbours that stay unequal for this long exchange digests again; the pause doubles up to the maximum while they do. */
export const HEAL_MS = 2_000;
export const HEAL_MS_MAX = 60_000;

/** An origin that was unreachable for this long is forgotten, its facts excepted; half-way it is no longer told to others. */
export const PURGE_MS = 3_600_000;
/** How often that is looked at. */
export const PURGE_CHECK_MS = 30_000;

/** Pause between two shortest-path runs while changes keep coming: from, to; a quiet time resets it. */
export const SPF_MS_MIN = 50;
export const SPF_MS_MAX = 500;
export const SPF_QUIET_MS = 1_000;
/** Removals that are followed by a run in the same turn: so many at once, and so many a second after. */
export const SPF_URGENT_BURST = 20;
export const SPF_URGENT_PER_SECOND = 20;

/** A link that fails again and again is advertised only after it was up for a while: from, to. Its record ends after a quiet time. */
export const DAMP_MS_MIN = 125;
export const DAMP_MS_MAX = 1_000;
export const DAMP_QUIET_MS = 10_000;

/** Added to every edge that leaves a draining node: it stays a destination, and transit only where there is no other way. */
export const DRAINING_COST = 2 ** 32;
/** Incarnations this node takes above a twin's before it concludes that the twin lives. */
export const ADVANCES_MAX = 2;
