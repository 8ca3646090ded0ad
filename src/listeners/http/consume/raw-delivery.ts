import type { LargeBody } from '../../../streams/contract';
import type { Exchange } from '../exchange';
import { EVENTS_UNWRITTEN_BYTES_MAX } from '../limits';
import { LargeRendering } from './large-rendering';
import { rendered } from './rendering';

/** Answers a request with one message: its properties are headers, its body is the body. */
export function answerMessage(
  exchange: Exchange,
  own: Readonly<Record<string, string>>,
  payload: Buffer,
  start: number,
  end: number,
): void {
  const { headers, body } = rendered(payload, start, end);
  if (!exchange.over) exchange.counters.messagesOut++;
  exchange.answer(200, { ...headers, ...own }, body);
}

/** The same of a large message, as its client takes it. */
export function answerLarge(exchange: Exchange, own: Readonly<Record<string, string>>, body: LargeBody): void {
  const { response } = exchange;
  if (exchange.over || response.headersSent) return;
  body.retain();
  exchange.counters.messagesOut++;
  const rendering = new LargeRendering(body);
  const length = rendering.length === null ? {} : { 'content-length': String(rendering.length) };
  response.writeHead(200, { ...exchange.headers({ ...rendering.headers, ...own }), ...length });
  const goOn = (): void => {
    while (response.writableLength < EVENTS_UNWRITTEN_BYTES_MAX) {
      const part = rendering.next();
      if (part === null) {
        response.end();
        return;
      }
      if (!response.write(part)) return;
    }
  };
  response.on('drain', goOn);
  response.once('close', () => body.release());
  goOn();
}
