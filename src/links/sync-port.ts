/** What an adjacency asks of the replicated state above it: links know when it is exchanged, not what it is. */
export interface SyncPort {
  /**
   * Queues a digest of all replicas as they are now, and lets every later change follow on this link.
   * @returns the digest's number, which the neighbour confirms
   */
  start(link: number): number;
  /** The number of the neighbour's digest once our replicas are at least as new as it says; 0 before. */
  covered(link: number): number;
  /** The link is over. */
  stop(link: number): void;
  /** Hash of all replicas, told in hellos: neighbours that stay unequal exchange digests again. */
  summary(): number;
}
