export interface Shape {
  readonly final?: boolean;
  readonly masked?: boolean;
  readonly rsv?: number;
}

/** A frame as a client sends it. */
export function frame(
  opcode: number,
  payload: Buffer | string,
  { final = true, masked = true, rsv = 0 }: Shape = {},
): Buffer {
  const bytes = Buffer.from(payload);
  const mask = Buffer.from([0x11, 0xa5, 0x00, 0xff]);
  const { length } = bytes;
  const head = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10);
  head[0] = (final ? 0x80 : 0) | rsv | opcode;
  head[1] = (masked ? 0x80 : 0) | (length < 126 ? length : length < 65_536 ? 126 : 127);
  if (head.length === 4) head.writeUInt16BE(length, 2);
  if (head.length === 10) head.writeUInt32BE(length, 6);
  if (!masked) return Buffer.concat([head, bytes]);
  return Buffer.concat([head, mask, bytes.map((byte, at) => byte ^ (mask[at % 4] as number))]);
}

/** A close frame's payload. */
export function closing(code: number, reason = ''): Buffer {
  const payload = Buffer.alloc(2);
  payload.writeUInt16BE(code);
  return Buffer.concat([payload, Buffer.from(reason)]);
}

/** A frame of the server: whole and not masked. */
export interface ServerFrame {
  readonly opcode: number;
  readonly payload: Buffer;
}

/** Takes bytes of the server apart. */
export function framesOf(bytes: Buffer): ServerFrame[] {
  const frames: ServerFrame[] = [];
  for (let at = 0; at < bytes.length;) {
    const opcode = (bytes[at] as number) ^ 0x80;
    const short = bytes[at + 1] as number;
    const head = short === 127 ? 10 : short === 126 ? 4 : 2;
    const length =
      short === 127 ? Number(bytes.readBigUInt64BE(at + 2)) : short === 126 ? bytes.readUInt16BE(at + 2) : short;
    frames.push({ opcode, payload: bytes.subarray(at + head, at + head + length) });
    at += head + length;
  }
  return frames;
}
