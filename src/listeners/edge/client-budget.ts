/** Links of all clients: each costs some KiB here and in the address layer. */
const LINKS_MAX = 65_536;
/** Messages of several frames that are gathered before they are published; past it they are streamed on from their first frame. */
const GATHER_BYTES_MAX = 16 * 1024 * 1024;

/** Packets that wait until their client may publish again, while what follows them is read. */
const ASIDE_BYTES_MAX = 16 * 1024 * 1024;

/** Messages whose time has not come, for plain subscribers; past it a link that holds some takes no more until it has given one. */
const DELAYED_BYTES_MAX = 32 * 1024 * 1024;

/** What all client connections of a node may hold together. */
export class ClientBudget {
  connections = 0;
  links = 0;
  gatheredBytes = 0;
  delayedBytes = 0;
  asideBytes = 0;

  constructor(
    readonly connectionsMax: number,
    readonly linksMax = LINKS_MAX,
    readonly gatherBytesMax = GATHER_BYTES_MAX,
    readonly delayedBytesMax = DELAYED_BYTES_MAX,
    readonly asideBytesMax = ASIDE_BYTES_MAX,
  ) {}
}
