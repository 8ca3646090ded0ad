/** What a {@link ByteStream} tells the protocol that it carries. */
export interface ByteStreamUser {
  /** Bytes came; valid during the call only. */
  read(chunk: Buffer): void;
  /** All that was written has left this process. */
  written(): void;
  /** Told once; nothing is called after it. */
  closed(reason: string): void;
}

/** A connection as a protocol sees it: bytes both ways, whether a TCP socket or the messages of a WebSocket carry them. */
export interface ByteStream {
  /** Where the peer connects from, for logs. */
  readonly remoteAddress: string;
  /** Bytes written here that the kernel has not taken yet. */
  readonly unwrittenBytes: number;
  /** Reading begins; called once. */
  begin(user: ByteStreamUser): void;
  /** The buffers are written in order, and not changed by anybody until `written`. Ignored once the stream is closed or ending. */
  write(buffers: readonly Buffer[]): void;
  /** Reads no more until `resume`: the peer is held up by its own transport. */
  pause(): void;
  resume(): void;
  /** Ends the stream after what was written; a peer that does not read is cut a second later. */
  end(): void;
  /** Cuts it at once. */
  destroy(reason: string): void;
}
