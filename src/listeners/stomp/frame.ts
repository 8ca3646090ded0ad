import { ID_BYTES_MAX } from './limits';
import { StompError, shown } from './errors';

/** What clients say; the frames of a server are none that it takes. */
export const COMMANDS = [
  'CONNECT',
  'STOMP',
  'SEND',
  'SUBSCRIBE',
  'UNSUBSCRIBE',
  'ACK',
  'NACK',
  'BEGIN',
  'COMMIT',
  'ABORT',
  'DISCONNECT',
] as const;
export type Command = (typeof COMMANDS)[number];

/** Command and headers of the frame that is being read: one object for frame after frame. */
export class FrameHead {
  command: Command = 'CONNECT';
  readonly names: string[] = [];
  readonly values: string[] = [];
  count = 0;

  clear(): void {
    this.count = 0;
  }

  add(name: string, value: string): void {
    this.names[this.count] = name;
    this.values[this.count++] = value;
  }

  /** Of a repeated header the first counts (STOMP 1.2, "Repeated Header Entries"). */
  get(name: string): string | undefined {
    for (let at = 0; at < this.count; at++) if (this.names[at] === name) return this.values[at];
    return undefined;
  }

  /** @throws StompError when it is not there */
  required(name: string): string {
    const value = this.get(name);
    if (value === undefined) throw new StompError('FL_STOMP_HEADER', `${this.command} without the header '${name}'`);
    return value;
  }

  /** A value that is kept. @throws StompError when it is longer than that allows */
  id(name: string): string | undefined {
    const value = this.get(name);
    if (value !== undefined && Buffer.byteLength(value) > ID_BYTES_MAX)
      throw new StompError('FL_STOMP_LIMIT', `header '${name}' of more than ${ID_BYTES_MAX} bytes`);
    return value;
  }

  requiredId(name: string): string {
    this.required(name);
    return this.id(name) as string;
  }

  /** A whole number. @throws StompError when it is none, or out of range */
  number(name: string, min: number, max: number): number | undefined {
    const value = this.get(name);
    if (value === undefined) return undefined;
    const number = /^\s*\d{1,16}\s*$/.test(value) ? Number(value) : Number.NaN;
    if (!(number >= min && number <= max))
      throw new StompError('FL_STOMP_HEADER', `header '${name}' is '${shown(value)}', expected ${min} to ${max}`);
    return number;
  }

  /** @throws StompError when it is neither */
  flag(name: string): boolean {
    const value = this.get(name)?.trim().toLowerCase();
    if (value === undefined || value === 'false') return false;
    if (value === 'true') return true;
    throw new StompError('FL_STOMP_HEADER', `header '${name}' is '${shown(value)}', expected true or false`);
  }
}
