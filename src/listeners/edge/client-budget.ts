import { ASIDE_BYTES_MAX, DELAYED_NODE_BYTES_MAX, GATHERED_BYTES_MAX, LINKS_MAX } from './limits';

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
    readonly gatherBytesMax = GATHERED_BYTES_MAX,
    readonly delayedBytesMax = DELAYED_NODE_BYTES_MAX,
    readonly asideBytesMax = ASIDE_BYTES_MAX,
  ) {}
}
