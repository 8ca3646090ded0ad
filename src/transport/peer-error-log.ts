import type { Journal } from '../common/ports';

const WINDOW_MS = 10_000;
const LINES_PER_WINDOW = 20;
/** Peers choose these texts: a line stays a line. */
const TEXT_CHARS_MAX = 300;

/** What a peer did wrong, in the words of its protocol; an AMQP error is one. */
export interface PeerError {
  /** An AMQP condition, or a code of ours: one of few. */
  readonly condition: string;
  readonly description: string;
  /** What it has lost: its link, session, connection, … */
  readonly scope: string;
}

/** Who a line is about. */
export interface PeerOfLine {
  /** What it calls itself; empty while it has not said. */
  readonly peer: string;
  /** Where it connects from. */
  readonly from: string;
}

/**
 * Errors of peers: each is counted by its condition, and told in a log line that names what was wrong. Lines are limited in
 * rate, so that a bad peer cannot fill a disk; how many were left out is told with the next one.
 */
export class PeerErrorLog {
  /** Errors so far, by condition. Conditions are ours, never a peer's text. */
  readonly counts = new Map<string, number>();
  /** Lines left out so far. */
  suppressed = 0;
  #untold = 0;
  #windowStart = -Infinity;
  #lines = 0;

  constructor(
    private readonly journal: Journal,
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** A peer broke the protocol; `error.scope` is what it has lost. */
  protocolError(event: string, error: PeerError, peer: PeerOfLine): void {
    this.counts.set(error.condition, (this.counts.get(error.condition) ?? 0) + 1);
    this.warn(event, error.description, peer, { condition: error.condition, ended: error.scope });
  }

  warn(event: string, why: string, peer: PeerOfLine, more: Readonly<Record<string, string>> = {}): void {
    if (!this.#mayTell()) {
      this.suppressed++;
      this.#untold++;
      return;
    }
    const left = this.#untold > 0 ? { suppressed: this.#untold } : {};
    this.#untold = 0;
    this.journal.warn(event, { why: cut(why), ...more, peer: cut(peer.peer), from: peer.from, ...left });
  }

  #mayTell(): boolean {
    const now = this.now();
    if (now - this.#windowStart >= WINDOW_MS) {
      this.#windowStart = now;
      this.#lines = 0;
    }
    return ++this.#lines <= LINES_PER_WINDOW;
  }
}

function cut(text: string): string {
  return text.length <= TEXT_CHARS_MAX ? text : `${text.slice(0, TEXT_CHARS_MAX)}…`;
}
