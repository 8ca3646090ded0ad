import type { LargeBody } from './contract';
import { HeadedBody, TailBody } from './framed-body';

function body(text: string): LargeBody & { refs: number } {
  const bytes = Buffer.from(text);
  return {
    refs: 1,
    length: bytes.length,
    read: (offset, target) => bytes.copy(target, 0, offset, offset + target.length),
    retain() {
      this.refs++;
    },
    release() {
      this.refs--;
    },
  };
}

function readAll(of: LargeBody, step: number): string {
  let text = '';
  for (let at = 0; at < of.length;) {
    const part = Buffer.alloc(Math.min(step, of.length - at));
    const read = of.read(at, part);
    expect(read).toBeGreaterThan(0);
    text += part.toString('utf8', 0, read);
    at += read;
  }
  return text;
}

describe('a large message', () => {
  it.each([1, 2, 3, 5, 100])('reads with a head before it, and without, %d bytes at a time', (step) => {
    const headed = new HeadedBody(Buffer.from('head:'), body('a message'));
    expect(readAll(headed, step)).toBe('head:a message');
    expect(readAll(new TailBody(headed, 5), step)).toBe('a message');
  });

  it('is held as what it is made of', () => {
    const inner = body('x');
    const headed = new HeadedBody(Buffer.from('h'), inner);
    headed.retain();
    new TailBody(headed, 1).release();
    headed.release();
    expect(inner.refs).toBe(0);
  });
});
