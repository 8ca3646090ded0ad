import type { IncomingMessage } from 'node:http';
import type { Deadline } from '../edge/deadlines';
import { HttpError } from './errors';
import type { Exchange } from './exchange';
import { BODY_IDLE_MS } from './limits';

/** The body of a request, piece by piece as it is asked for: what nobody asks for stays with the client. */
export class BodyReader {
  /** Bytes so far. */
  length = 0;
  readonly #request: IncomingMessage;

  /** @throws HttpError when the request says already that its body is too large */
  constructor(
    private readonly exchange: Exchange,
    private readonly bytesMax: number,
  ) {
    this.#request = exchange.request;
    if ((this.declared ?? 0) > bytesMax) throw tooLarge(bytesMax);
    exchange.readBody();
  }

  /** Bytes that the body will have; null where it says so only by its end. */
  get declared(): number | null {
    const length = this.#request.headers['content-length'];
    return length === undefined ? null : Number(length);
  }

  /** The next piece; null at the end. @throws HttpError */
  async next(): Promise<Buffer | null> {
    const request = this.#request;
    for (;;) {
      const chunk = request.read() as Buffer | null;
      if (chunk !== null) {
        this.length += chunk.length;
        if (this.length > this.bytesMax) throw tooLarge(this.bytesMax);
        return chunk;
      }
      if (request.readableEnded) return null;
      if (request.destroyed) throw new HttpError('FL_HTTP_REQUEST', 'the body ended before it was whole');
      await this.#more();
    }
  }

  #more(): Promise<void> {
    const request = this.#request;
    const { deadlines } = this.exchange;
    return new Promise((resolve, reject) => {
      const deadline: Deadline = { dueAtMs: deadlines.now() + BODY_IDLE_MS, onDue: () => done(slow()) };
      const done = (error?: HttpError): void => {
        deadlines.remove(deadline);
        for (const event of EVENTS) request.off(event, look);
        if (error === undefined) resolve();
        else reject(error);
      };
      const look = (): void => done();
      for (const event of EVENTS) request.on(event, look);
      deadlines.add(deadline);
    });
  }

  /** All that is left, as one. @throws HttpError */
  async rest(first: readonly Buffer[] = []): Promise<Buffer> {
    const chunks = [...first];
    for (let chunk = await this.next(); chunk !== null; chunk = await this.next()) chunks.push(chunk);
    return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
  }
}

const EVENTS = ['readable', 'end', 'close'] as const;

function slow(): HttpError {
  return new HttpError('FL_HTTP_SLOW', `nothing of the body came for ${BODY_IDLE_MS / 1000} s`);
}

export function tooLarge(bytesMax: number): HttpError {
  return new HttpError('FL_HTTP_TOO_LARGE', `more than ${bytesMax} bytes`);
}
