import { Output } from './output';

const FULL = 64 * 1024;

function fill(output: Output, bytes: number, value: number): void {
  output.copy(Buffer.alloc(bytes, value), 0, bytes);
}

function taken(output: Output): Buffer[] {
  return output.take() ?? [];
}

describe('Output', () => {
  it('hands out what was written, in order, whatever its length', () => {
    const output = new Output();
    fill(output, 10, 1);
    fill(output, FULL * 2, 2);
    fill(output, 5_000, 3);
    fill(output, 1, 4);
    const expected = Buffer.concat([
      Buffer.alloc(10, 1),
      Buffer.alloc(FULL * 2, 2),
      Buffer.alloc(5_000, 3),
      Buffer.alloc(1, 4),
    ]);
    expect(Buffer.concat(taken(output)).equals(expected)).toBe(true);
    expect(output.take()).toBeNull();
  });

  it('does not use a full buffer again that is collected but not handed out when an earlier write ends', () => {
    const output = new Output();
    fill(output, 10, 1);
    taken(output);
    fill(output, FULL, 2);
    output.written();
    fill(output, FULL * 2, 3);
    const expected = Buffer.concat([Buffer.alloc(FULL, 2), Buffer.alloc(FULL * 2, 3)]);
    expect(Buffer.concat(taken(output)).equals(expected)).toBe(true);
  });

  it('uses buffers again once they have been written', () => {
    const output = new Output();
    const seen = new Set<ArrayBufferLike>();
    for (let turn = 0; turn < 100; turn++) {
      fill(output, FULL, turn);
      for (const { buffer } of taken(output)) seen.add(buffer);
      output.written();
    }
    expect(seen.size).toBeLessThanOrEqual(3);
  });

  it('begins anew in the same place when everything has been written', () => {
    const output = new Output();
    fill(output, 10, 1);
    const [first] = taken(output) as [Buffer];
    output.written();
    fill(output, 10, 2);
    const [second] = taken(output) as [Buffer];
    expect([second.buffer === first.buffer, second.byteOffset]).toEqual([true, first.byteOffset]);
  });
});
