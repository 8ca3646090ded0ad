import fc from 'fast-check';
import { ChunkPool } from '../common/chunk';
import type { LargeBody } from './contract';
import { LARGE_MEMORY_BYTES, SEGMENT_BYTES } from './limits';
import { LargeAssembler, SEGMENT_HEAD_BYTES, SEGMENT_PART, SegmentWriter, type SpoolFile } from './reassembly';

class Spool {
  readonly open = new Set<SpoolFile>();
  made = 0;
  full = false;

  create(): SpoolFile {
    this.made++;
    let bytes = Buffer.alloc(0);
    const file: SpoolFile = {
      append: (more) => {
        if (this.full) throw new Error('ENOSPC: no space left on device');
        bytes = Buffer.concat([bytes, more]);
      },
      read: (offset, target) => bytes.copy(target, 0, offset, offset + target.length),
      close: () => void this.open.delete(file),
    };
    this.open.add(file);
    return file;
  }
}

function storage(spool: Spool, pool = new ChunkPool('large', 64 * 1024 * 1024)) {
  return { spool, pool, failed: jest.fn() };
}

function whole(assembler: LargeAssembler): LargeBody {
  const body = assembler.finish();
  if (body === null) throw new Error('the disk did not take it');
  return body;
}

function filled(length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; at++) bytes[at] = (at * 31) % 251;
  return bytes;
}

describe('LargeAssembler', () => {
  it('gives back what went in, from memory up to its bound and from a file past it', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: LARGE_MEMORY_BYTES * 2 }),
        fc.integer({ min: 4_000, max: SEGMENT_BYTES }),
        (length, step) => {
          const spool = new Spool();
          const sent = filled(length);
          const assembler = new LargeAssembler(storage(spool));
          for (let at = 0; at < length; at += step) assembler.append(sent, at, Math.min(length, at + step));
          expect(assembler.length).toBe(length);
          const body = whole(assembler);
          expect(spool.made).toBe(length > LARGE_MEMORY_BYTES ? 1 : 0);
          const read = Buffer.alloc(length);
          for (let at = 0; at < length;) at += body.read(at, read.subarray(at, at + 40_000));
          expect(read.equals(sent)).toBe(true);
          body.release();
          expect(spool.open.size).toBe(0);
        },
      ),
      { numRuns: 10 },
    );
  });

  it('keeps the file until the last holder has let go', () => {
    const spool = new Spool();
    const assembler = new LargeAssembler(storage(spool));
    assembler.append(filled(LARGE_MEMORY_BYTES + 1), 0, LARGE_MEMORY_BYTES + 1);
    const body = whole(assembler);
    body.retain();
    body.release();
    expect(spool.open.size).toBe(1);
    body.release();
    expect(spool.open.size).toBe(0);
  });

  it('leaves no file behind when it is given up', () => {
    const spool = new Spool();
    const assembler = new LargeAssembler(storage(spool));
    assembler.append(filled(LARGE_MEMORY_BYTES + 1), 0, LARGE_MEMORY_BYTES + 1);
    assembler.abort();
    expect([spool.made, spool.open.size]).toEqual([1, 0]);
  });

  it('charges its pool for what is in memory until the last holder has let go', () => {
    const pool = new ChunkPool('large', 1024 * 1024);
    const assembler = new LargeAssembler(storage(new Spool(), pool));
    assembler.append(filled(5_000), 0, 5_000);
    assembler.append(filled(3_000), 0, 3_000);
    expect(pool.used).toBe(8_000);
    const body = whole(assembler);
    body.retain();
    body.release();
    expect(pool.used).toBe(8_000);
    body.release();
    expect(pool.used).toBe(0);
  });

  it('goes to disk at once while its pool is short', () => {
    const pool = new ChunkPool('large', 1024 * 1024);
    const others = pool.allocate(800 * 1024);
    const spool = new Spool();
    const assembler = new LargeAssembler(storage(spool, pool));
    assembler.append(filled(5_000), 0, 5_000);
    expect([spool.made, pool.used]).toEqual([1, 800 * 1024]);
    others.release();
    assembler.append(filled(3_000), 0, 3_000);
    const read = Buffer.alloc(8_000);
    expect(whole(assembler).read(0, read)).toBe(8_000);
    expect(read).toEqual(Buffer.concat([filled(5_000), filled(3_000)]));
  });

  it('holds nothing and says so when the disk does not take it', () => {
    const spool = new Spool();
    const pool = new ChunkPool('large', 64 * 1024 * 1024);
    const failed = jest.fn();
    const assembler = new LargeAssembler({ spool, pool, failed });
    assembler.append(filled(LARGE_MEMORY_BYTES), 0, LARGE_MEMORY_BYTES);
    spool.full = true;
    assembler.append(filled(5_000), 0, 5_000);
    assembler.append(filled(5_000), 0, 5_000);
    expect(assembler.finish()).toBeNull();
    expect([pool.used, spool.open.size]).toEqual([0, 0]);
    expect(failed).toHaveBeenCalledTimes(1);
  });

  it('copies: the segment it was given may be used again', () => {
    const assembler = new LargeAssembler(storage(new Spool()));
    const segment = Buffer.from('first');
    assembler.append(segment, 0, 5);
    segment.fill('x');
    const read = Buffer.alloc(5);
    whole(assembler).read(0, read);
    expect(read.toString()).toBe('first');
  });
});

describe('SegmentWriter', () => {
  it('lays id, part and bytes side by side', () => {
    const writer = new SegmentWriter();
    const end = writer.write(0x01020304, SEGMENT_PART.last, Buffer.from('xhellox'), 1, 6);
    expect(writer.buffer.subarray(0, end)).toEqual(
      Buffer.from([1, 2, 3, 4, SEGMENT_PART.last, ...Buffer.from('hello')]),
    );
    expect(end).toBe(SEGMENT_HEAD_BYTES + 5);
  });
});
