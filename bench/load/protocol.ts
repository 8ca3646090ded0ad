/** Where a worker connects. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** What a worker process is started for. */
export type Job =
  | {
      readonly role: 'sender';
      readonly at: Endpoint;
      readonly address: string;
      readonly settled: boolean;
      readonly bodyBytes: number;
      /** The header says so, and the terminus that it is a queue. */
      readonly durable: boolean;
      /** Messages whose outcome is open at the same time; 0 for as many as credit allows. */
      readonly window: number;
      /** Messages a second by the clock, whatever comes back; 0 for as many as credit allows. */
      readonly rate: number;
    }
  | {
      readonly role: 'receiver';
      /** Null: listens for the sender itself. */
      readonly at: Endpoint | null;
      readonly address: string;
      readonly settled: boolean;
      /** The terminus says that it is a queue. */
      readonly durable: boolean;
      /** Links, each on a connection of its own. */
      readonly links: number;
      /** One message in so many has its latency taken. */
      readonly sampleEvery: number;
    }
  | { readonly role: 'idle'; readonly at: Endpoint; readonly connections: number };

export type Request =
  | { readonly type: 'open'; readonly job: Job }
  /** Sender: begins, until `stop` or `limit` messages. */
  | { readonly type: 'go'; readonly limit: number }
  /** What has happened so far; latencies are counted from here on when `reset`. */
  | { readonly type: 'mark'; readonly reset: boolean }
  /** Sender: sends no more and waits for the outcomes. Receiver: waits for `messages` in all, or until none come any more. */
  | { readonly type: 'stop'; readonly messages: number };

/** A worker's counters at one moment. */
export interface Mark {
  readonly atUs: number;
  readonly cpuUs: number;
  readonly rssBytes: number;
  /** Sent, or received. */
  readonly messages: number;
  /** Sender: outcomes that were not `accepted`. Receiver: messages out of turn, repeated or missing. */
  readonly wrong: number;
  /** Receiver: from sending to receiving. Sender with a window: from sending to the outcome. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
}

export type Reply =
  | { readonly type: 'opened'; readonly port: number }
  | { readonly type: 'mark'; readonly mark: Mark }
  | { readonly type: 'failed'; readonly why: string };
