import fc from 'fast-check';
import { WireError, WireReader, WireWriter } from './wire';

const FIELDS = {
  u8: fc.nat(0xff),
  u16: fc.nat(0xffff),
  u32: fc.integer({ min: 0, max: 0xffff_ffff }),
  u48: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
  u53: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
  text: fc.string({ unit: 'grapheme', maxLength: 50 }),
  blob: fc.uint8Array({ maxLength: 300 }),
};
type Kind = keyof typeof FIELDS;

const field = fc.oneof(
  ...(Object.keys(FIELDS) as Kind[]).map((kind) =>
    FIELDS[kind].map((value): readonly [Kind, unknown] => [kind, value]),
  ),
);

function write(writer: WireWriter, kind: Kind, value: unknown): void {
  if (kind === 'text') writer.text(value as string);
  else if (kind === 'blob') writer.blob(value as Uint8Array);
  else writer[kind](value as number);
}

describe('WireWriter and WireReader', () => {
  it('bring back whatever was written, in order', () => {
    fc.assert(
      fc.property(fc.array(field, { maxLength: 40 }), (fields) => {
        const writer = new WireWriter(1);
        for (const [kind, value] of fields) write(writer, kind, value);
        const bytes = writer.take();
        const reader = new WireReader(bytes);
        for (const [kind, value] of fields) {
          const read = reader[kind]();
          if (kind === 'blob') expect(Buffer.from(value as Uint8Array).equals(read as Buffer)).toBe(true);
          else expect(read).toBe(value);
        }
        expect(reader.remaining).toBe(0);
      }),
    );
  });

  it('read nothing past the end, wherever a frame is cut', () => {
    fc.assert(
      fc.property(fc.array(field, { minLength: 1, maxLength: 10 }), fc.nat(), (fields, cut) => {
        const writer = new WireWriter();
        for (const [kind, value] of fields) write(writer, kind, value);
        const bytes = writer.take();
        const end = cut % bytes.length;
        const padded = Buffer.concat([bytes, Buffer.alloc(64, 0xff)]);
        const reader = new WireReader(padded, 0, end);
        expect(() => {
          for (const [kind] of fields) reader[kind]();
        }).toThrow(WireError);
        expect(reader.offset).toBeLessThanOrEqual(end);
      }),
    );
  });

  it('refuse a length that the frame cannot hold before anything is allocated', () => {
    const bytes = new WireWriter().u32(0xffff_fff0).u8(1).take();
    expect(() => new WireReader(bytes).blob()).toThrow(/ends at byte 5 inside blob at 4/);
  });

  it('refuse a number above 2^53', () => {
    expect(() => new WireReader(Buffer.alloc(8, 0xff)).u53()).toThrow(/exceeds 2\^53/);
  });

  it('take hands the bytes out and begins afresh', () => {
    const writer = new WireWriter(2).u16(7);
    const first = writer.take();
    writer.u16(9);
    expect([first, writer.take()]).toEqual([Buffer.from([0, 7]), Buffer.from([0, 9])]);
    expect(writer.length).toBe(0);
  });

  it('patchU32 changes what was written before, also after the buffer has grown', () => {
    const writer = new WireWriter(4).u32(0).raw(Buffer.alloc(1_000, 1));
    writer.patchU32(0, 1_000);
    const reader = new WireReader(writer.take());
    expect(reader.blob().length).toBe(1_000);
  });
});
