/** Every limit of a stop, its reason beside it, and of the process. All of a stop fits into the 5 s that supervisors are promised. */

/** What is in flight, here and through this node, may take so long to be finished. */
export const IN_FLIGHT_MS = 2_300;
/** Neighbours hear of the drain and reroute before links close, even when nothing is in flight here. */
export const REROUTE_MS = 300;
/** A node is left once no batch of others has passed for so long: more than the 200 ms after which a batch that got lost comes again. */
export const TRANSIT_QUIET_MS = 250;
/** Listeners close, each with a word to its clients. */
export const CLIENTS_MS = 500;
/** What clients sent until then is handed over. */
export const LAST_MS = 400;
/** Links say goodbye, and what waits on them leaves. */
export const GOODBYE_MS = 1_000;
/** The HTTP side and the store have half of it each. */
export const CLOSE_MS = 600;
/** How often it is looked whether one of these is over. */
export const LOOK_MS = 20;
/** The heap may grow by so much of what a collection has left before the next one: the most that V8 lets it by its own reckoning. */
export const HEAP_GROWING_PERCENT = 300;
