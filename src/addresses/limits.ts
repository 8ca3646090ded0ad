/** Every limit of the address layer, its reason beside it. */

/** Length of a name or filter in UTF-8 bytes: what fits a replicated key with its prefix. */
export const NAME_BYTES_MAX = 4_096;
/** Words of a name or filter: bounds the depth of the trie and the cost of a match with several `#`. */
export const WORDS_MAX = 128;
/** `#` in one filter: more of them have no use. */
export const HASHES_MAX = 4;

/** Sentences about rules that contradict each other: an operator mends the first ones first. */
export const RULE_CONFLICTS_MAX = 100;

/** Nodes of the tree of patterns looked at for rules that overlap: past it only those are found where one pattern covers the other. */
export const RULE_OVERLAP_VISITS_MAX = 50_000;

/** Filters of one node told to the mesh; past it the densest prefix is widened to `prefix.#`. */
export const FILTERS_ADVERTISED_MAX = 2_000;
/** Names remembered without publisher, consumer or message; one more only costs a lookup. */
export const IDLE_ENTRIES_MAX = 20_000;

/** First credit of a publisher, and the most it may have unused or unsettled: in messages, and in bytes of its mean size. */
export const CREDIT_INITIAL = 16;
export const CREDIT_MAX = 2_000;
export const CREDIT_BYTES_MAX = 4 * 1024 * 1024;
/** What a message takes beside its payload and its address: its head in a batch, and a share of the batch's. */
export const MESSAGE_EXTRA_BYTES = 64;
/** Credit of publishers that have sent nothing yet is counted with the most that a message takes, up to this part of the pool. */
export const CREDIT_UNKNOWN_SHARE = 4;
/** Past it such a publisher gets one credit, counted with this many bytes: most messages are small. */
export const CREDIT_BYTES_GUESS = 1_024;
/** Of the memory that is free in fact, the part that may be used although others have credit for it. */
export const CREDIT_LEAST_SHARE = 4;
/** Credit given by that share and not used for so long is not waited for: others get theirs. */
export const CREDIT_IDLE_MS = 2_000;
/** What a publisher may be given in its turn while memory is short. */
export const CREDIT_QUANTUM_BYTES = 16 * 1024;
/** What it may be given ahead of its turn, to be made up for later: a few turns. */
export const CREDIT_DEBT_BYTES_MAX = 64 * 1024;
/** Choked addresses past which an anonymous publisher that named them gets no more credit. */
export const RELAY_CHOKED_MAX = 16;
/** Publishers that wait for memory are looked at again this often: it becomes free without a word. */
export const STARVED_MS = 20;
/** Then so many batches that wait for outcomes are looked at, and so much of them is copied at most: well below a ms. */
export const COMPACT_CHUNKS = 4_096;
export const COMPACT_BYTES = 256 * 1024;

/** Waiting bytes of one consumer at which publishers of what it gets are choked; below a quarter of it they no longer are. */
export const LANE_HIGH_BYTES = 256 * 1024;
/** The same while all consumers of a node together have more than so much waiting: half of what may wait there by default. */
export const LANE_SHORT_BYTES = 16 * 1024;
export const LANES_BYTES_MAX = 32 * 1024 * 1024;
/** So many times its bound a lane holds in memory of what comes by credit given before; what is more goes to the disk. */
export const LANE_OVERRUN = 4;
/** Waiting messages that count like `LANE_HIGH_BYTES`: small messages have a cost of their own. */
export const LANE_HIGH_MESSAGES = 2_000;
export const LANE_LOW_MESSAGES = 500;

/** With `slow: spill`: on disk for one consumer, and for all of a node together. */
export const SPILL_LANE_BYTES = 64 * 1024 * 1024;
export const SPILL_BYTES_MAX = 1024 * 1024 * 1024;
/** Written and read at once; and the size past which a file gets no further block, so that its space comes back soon. */
export const SPILL_BLOCK_BYTES = 64 * 1024;
export const SPILL_FILE_BYTES = 8 * 1024 * 1024;
/** Nodes whose names are kept for the next start, which waits for them: more than a mesh has, so that only names out of use go. */
export const KNOWN_NODES_MAX = 4_096;

/** How often consumers that do not keep up are looked at. */
export const SLOW_CHECK_MS = 250;

/** Acknowledgements of interest are collected for this long. */
export const BARRIER_DELAY_MS = 20;
/** A subscription is confirmed after this long whatever is missing. */
export const BARRIER_MS_MAX = 2_000;

/** An ingress counts as active at a consumer's site for this long after its last message. */
export const INGRESS_ACTIVE_MS = 1_000;
/** Quotas are divided anew at most this often. */
export const QUOTA_MS = 250;
/** What an ingress may have outstanding at a site that has not told it its quota. */
export const QUOTA_UNKNOWN = 1;
/** A site whose quota was full is used again below this share of it. */
export const QUOTA_RETURN = 0.75;
/** Candidates tried for one anycast message. */
export const ANYCAST_TRIES_MAX = 8;
/** Large anycast messages up to that size are kept for another try, in so many parts at most: what costs little beside its bytes. */
export const LARGE_KEPT_BYTES_MAX = 1024 * 1024;
export const LARGE_KEPT_PARTS_MAX = 1_024;
/** And while more than this share of the retention pool is neither in use nor promised to credit. */
export const LARGE_KEPT_SHARE = 0.5;

/** Messages in transactions that are not ended, of all clients of a node together: they wait in memory. */
export const STAGED_BYTES_MAX = 64 * 1024 * 1024;

/** What may be under way from one node to the home of queues: enough for 100 MB/s at 10 ms to its disk and back. */
export const PUT_WINDOW_BYTES = 1024 * 1024;
/** And into one queue: below what its home remembers the refusals of. */
export const PUTS_UNDER_WAY_MAX = 8_192;
/** With custody of the ingress: so much is read from the disk ahead of what may be sent to a home. */
export const OUTBOX_AHEAD_BYTES = 32 * 1024;
/**
 * But for all homes together no more than this share of the retention pool: those that stay away keep what was read for them. It is half of
 * what circuits leave, and asked of no credit: what publishers have been promised must not hold up what is on the disk.
 */
export const OUTBOX_AHEAD_SHARE = 1 / 8;
/** What waits on the disk for one queue of another node: what an hour of 1,000 messages of 2 KiB a second comes to. */
export const OUTBOX_BYTES_MAX = 8 * 1024 * 1024 * 1024;
/** The same in messages. */
export const OUTBOX_MESSAGES_MAX = 4_000_000;
/** Larger payloads for several destinations are stored once and counted; of smaller ones that would take more than it saves. */
export const OUTBOX_SHARED_BYTES_LEAST = 256;
/** Destinations that nothing waits for and that are remembered nevertheless: one more only costs a small record. */
export const OUTBOX_IDLE_MAX = 1_024;
/** Health says of what waits for a home that it is stuck when that has taken nothing for so long: longer than a restart takes. */
export const OUTBOX_STUCK_MS = 300_000;
/** What a home refused for want of room is put again after this long. */
export const OUTBOX_RETRY_MS = 1_000;
/** Headings of what is put to subscriptions here whose queues are remembered: as many topics as are in use at a time. */
export const ROUTES_CACHED_MAX = 10_000;
/** The same in subscriptions, all headings together: a few MiB. */
export const ROUTED_MAX = 200_000;
/** Times that a subscription may come back to a node and still get what was put there long ago: 16 KiB on disk at the most. */
export const STINTS_MAX = 1_000;
/** Subscriptions that were joined to one after partitions, by which it is known where they had moved from. */
export const CLAIM_IDS_MAX = 16;
/** Said with a message of subscriptions that are at two nodes, or between them: some thousand; with more it is refused. */
export const EXCLUDED_BYTES_MAX = 16 * 1024;
/** What a subscription asks for, filter and selector together, goes with the message that opens a circuit. */
export const DEFINITION_BYTES_MAX = 24 * 1024;
/** Durable subscriptions that live at one node: queues have room beside them. */
export const SUBSCRIPTIONS_MAX = 8_000;
/** Those of them that belong to one container-id, or to none: a client has one for each of its subscribers, a mistake has no end. */
export const SUBSCRIPTIONS_OF_CLIENT_MAX = 1_000;
/** Messages and bytes of a shared subscription that keeps nothing wait for its consumers: as for any consumer that does not keep up. */
export const FEED_MESSAGES_MAX = 2_000;
export const FEED_BYTES_MAX = 256 * 1024;
/** A put that its home did not take is sent again after this long: meanwhile it is told here where the queue lives. */
export const PUT_RETRY_MS = 100;
/** And at most after so long when the home is full or its disk fails: the pause doubles. */
export const PUT_RETRY_MS_MAX = 1_600;
/** A consumer of a queue whose home is out of reach is refused after this long. */
export const QUEUE_ATTACH_MS = 10_000;
/** A consumer waits so long until it is known whether another one, elsewhere, still has the queue for itself: below the time of an attach. */
export const LOCK_WAIT_MS = 5_000;
/** Consumers of a queue that is to move have so long to settle what they hold: what they have then is delivered again. */
export const REHOME_SETTLE_MS = 10_000;
/** Whether they have is looked at this often. */
export const REHOME_LOOK_MS = 20;
/** A queue whose new home is out of reach for so long stays where it is. */
export const REHOME_PEER_MS = 30_000;
/** What its new home did not take, and may yet, is sent again after this long. */
export const REHOME_RETRY_MS = 1_000;
/** And so is what has to go there and could not be read here: an operator has to mend that. */
export const REHOME_DAMAGED_MS = 60_000;
/** Records of a queue that moves go in pieces of this size, which other messages get their turn between. */
export const REHOME_PIECE_BYTES = 32 * 1024;
/** Pieces on their way to the disk of the new home: 1 MiB, enough for 100 MB/s at 10 ms. */
export const REHOME_PIECES_AHEAD = 32;
/** Queues that may be leaving a node at once: of subscriptions on their way something is said with each message. */
export const REHOME_AT_ONCE_MAX = 256;
/** Nodes are asked this often whether what they put for a subscription to its former home has come there. */
export const HANDOVER_ASK_MS = 50;
/** Without anything coming from there for so long, the rest may come behind what is published meanwhile: a node is away. */
export const HANDOVER_MS = 30_000;
/** What is put to subscriptions here waits so long at the most for the last of what came late for one. */
export const INTAKE_HOLD_MS = 500;
/** Moves that are over, whose ends are remembered for those who ask. */
export const REHOME_RESULTS_MAX = 1_000;
/** A selector goes with the message that opens a circuit, which must fit a batch. */
export const SELECTOR_BYTES_MAX = 16 * 1024;
/** Of a client's name so much is told to the home of its queue, for health. */
export const CLIENT_CHARS_TOLD = 256;
/** Publishers of a queue that has a limit are looked at again this often: room comes without a word. */
export const ROOM_REVIEW_MS = 20;
/** A drain that waits for messages on their way to the disk is looked at again this often: they arrive without a word. */
export const DRAIN_REVIEW_MS = 5;
/** Deliveries to other nodes leave this part of the retention pool free, beside what publishers have credit for. */
export const CIRCUITS_LEAVE_SHARE = 1 / 4;
/** While that is less a consumer elsewhere has no more than so much unsettled: progress for all, a round trip on a fast link. */
export const CIRCUIT_SHORT_BYTES = 64 * 1024;
/** What a consumer far from its queue may have on the way to it at most, whatever its client's credit. */
export const CIRCUIT_CREDIT_MAX = 4_096;
