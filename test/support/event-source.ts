import { request, type ClientRequest } from 'node:http';
import { eventually } from './eventually';

export interface ServerEvent {
  readonly id: string;
  readonly type: string;
  readonly data: string;
}

/** An EventSource as the WHATWG describes it, by hand: it comes back by itself with the last event that it has seen. */
export class EventSource {
  readonly events: ServerEvent[] = [];
  lastId = '';
  /** Streams that were opened. */
  opened = 0;
  /** Of the last answer that was no stream. */
  refusal: { status: number; body: string } | null = null;
  #sent: ClientRequest | null = null;
  #closed = false;

  constructor(
    private readonly port: number,
    private readonly path: string,
    private readonly options: { readonly reconnect?: boolean; readonly headers?: Record<string, string> } = {},
  ) {
    this.#open();
  }

  /** Waits until the stream is open: from then on it misses nothing. */
  async ready(): Promise<this> {
    await eventually('the event stream is open', () => this.opened > 0 || this.refusal !== null);
    if (this.refusal !== null) throw new Error(JSON.stringify(this.refusal));
    return this;
  }

  get data(): { address: string; headers: Record<string, string>; data?: unknown; data_base64?: string }[] {
    return this.events.filter(({ type }) => type === 'message').map(({ data }) => JSON.parse(data) as never);
  }

  #open(): void {
    const last = this.lastId === '' ? {} : { 'last-event-id': this.lastId };
    const headers = { accept: 'text/event-stream', ...last, ...this.options.headers };
    const sent = request({ host: '127.0.0.1', port: this.port, path: this.path, headers, agent: false }, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      if (answer.statusCode !== 200) {
        answer.on('data', (chunk: string) => (text += chunk));
        answer.on('end', () => (this.refusal = { status: answer.statusCode ?? 0, body: text }));
        return;
      }
      this.opened++;
      answer.on('data', (chunk: string) => {
        const blocks = (text + chunk).split('\n\n');
        text = blocks.pop() ?? '';
        for (const block of blocks) this.#take(block);
      });
      answer.on('error', () => undefined);
      answer.on('close', () => {
        if (!this.#closed && this.options.reconnect === true) this.#open();
      });
    });
    sent.on('error', () => undefined);
    sent.end();
    this.#sent = sent;
  }

  #take(block: string): void {
    const fields = new Map<string, string>();
    for (const line of block.split('\n')) {
      const [, name = '', value = ''] = /^([^:]*):? ?(.*)$/.exec(line) ?? [];
      if (name !== '') fields.set(name, fields.has(name) ? `${fields.get(name)}\n${value}` : value);
    }
    this.lastId = fields.get('id') ?? this.lastId;
    const data = fields.get('data');
    if (data !== undefined) this.events.push({ id: this.lastId, type: fields.get('event') ?? 'message', data });
  }

  close(): void {
    this.#closed = true;
    this.#sent?.destroy();
  }
}
