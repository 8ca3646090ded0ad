import { createHash } from 'node:crypto';

/** A message of a ledger says who sent it and which one it is, then comes filler that is different in each. */
export function composePayload(sender: string, seq: number, bytes: number): Buffer {
  const head = `${sender}\n${seq}\n`;
  const filler = createHash('sha256').update(head).digest('base64');
  const payload = Buffer.alloc(Math.max(bytes, head.length), filler);
  payload.write(head, 'latin1');
  return payload;
}

export function digestOf(payload: Buffer): string {
  return createHash('sha256').update(payload).digest('hex').slice(0, 16);
}

/** Sender and number; of a damaged payload they may be those of no message. */
export function readPayload(payload: Buffer): { readonly sender: string; readonly seq: number } {
  const first = payload.indexOf(10);
  const second = payload.indexOf(10, first + 1);
  const sender = payload.toString('latin1', 0, Math.max(0, first));
  return { sender, seq: Number(payload.toString('latin1', first + 1, Math.max(0, second))) };
}
