import fc from 'fast-check';
import { ChunkPool } from '../common/chunk';
import { TRAFFIC_CLASS, type LinkTransport, type TrafficClass } from './contract';
import { CONTROL_QUEUE_BYTES, NEIGHBOUR_QUEUE_BYTES, QUANTUM_BYTES, QUEUE_BYTES_MIN, QUEUE_RATE_MS } from './limits';
import { OutboundQueue } from './outbound-queue';

const { control, high, normal } = TRAFFIC_CLASS;

/** A transport that takes `allowed` frames and remembers them. */
class Pipe implements LinkTransport {
  readonly frames: { cls: TrafficClass; head: Buffer; body: string | null }[] = [];
  allowed = Infinity;

  send(cls: TrafficClass, head: Buffer, body: Buffer | null): void {
    this.allowed--;
    this.frames.push({ cls, head, body: body === null ? null : body.toString() });
  }

  room(): number {
    return this.allowed > 0 ? 1 : 0;
  }

  close(): void {
    throw new Error('a queue closes nothing');
  }

  take(): string {
    return this.frames
      .splice(0)
      .map(({ head }) => head.toString())
      .join(' ');
  }
}

function queueOf(bytes = 1_000): { queue: OutboundQueue; pipe: Pipe; dropped: string[] } {
  const dropped: string[] = [];
  const queue = new OutboundQueue(bytes, (head, origin) => dropped.push(`${head.toString().trim()}@${origin}`));
  return { queue, pipe: new Pipe(), dropped };
}

describe('OutboundQueue', () => {
  it('serves neighbours, control, high and normal in this order', () => {
    const { queue, pipe } = queueOf();
    queue.push(normal, Buffer.from('n'), null, 1, 1);
    queue.push(high, Buffer.from('h'), null, 1, 1);
    queue.push(control, Buffer.from('c'), null, 1, 1);
    queue.pushNeighbour(Buffer.from('hello'));
    pipe.allowed = 2;
    queue.drain(pipe, 0);
    expect(pipe.take()).toBe('hello c');
    queue.push(control, Buffer.from('c2'), null, 1, 1);
    pipe.allowed = Infinity;
    queue.drain(pipe, 0);
    expect(pipe.take()).toBe('c2 h n');
    expect([queue.empty, queue.sentFrames, queue.sentBytes]).toEqual([true, 5, 10]);
  });

  it('gives streams equal shares of bytes, whatever the size of their frames', () => {
    const { queue, pipe } = queueOf(1 << 24);
    const sizes = [100, 3_000, 60_000];
    sizes.forEach((size, key) => {
      for (let sent = 0; sent < 2_000_000; sent += size) queue.push(normal, Buffer.alloc(size, key), null, key, 1);
    });
    const bytes = [0, 0, 0];
    pipe.allowed = 0;
    for (let total = 0; total < 3_000_000;) {
      pipe.allowed = 1;
      queue.drain(pipe, 0);
      const { head } = pipe.frames.pop() as Pipe['frames'][number];
      bytes[head[0] as number] = (bytes[head[0] as number] as number) + head.length;
      total += head.length;
    }
    for (const share of bytes) expect(Math.abs(share - 1_000_000)).toBeLessThan(2 * QUANTUM_BYTES + 60_000);
  });

  it('lets a stream that comes late wait for one turn of the others only', () => {
    const { queue, pipe } = queueOf(1 << 20);
    for (let n = 0; n < 50; n++) queue.push(normal, Buffer.alloc(QUANTUM_BYTES, 'a'), null, 1, 1);
    queue.push(normal, Buffer.from('b'), null, 2, 1);
    pipe.allowed = 2;
    queue.drain(pipe, 0);
    expect(pipe.frames.map(({ head }) => String.fromCharCode(head[0] as number))).toEqual(['a', 'b']);
  });

  it('drops the newest frame of the longest stream, and tells its origin', () => {
    const { queue, pipe, dropped } = queueOf(1_000);
    const frame = (text: string): Buffer => Buffer.from(text.padEnd(100));
    for (let n = 0; n < 8; n++) queue.push(normal, frame(`long${n}`), null, 1, 77);
    queue.push(high, frame('short0'), null, 2, 88);
    queue.push(high, frame('short1'), null, 2, 88);
    expect(dropped).toEqual([]);
    queue.push(high, frame('short2'), null, 2, 88);
    queue.push(normal, frame('other'), null, 3, 99);
    expect(dropped).toEqual(['long7@77', 'long6@77']);
    expect([queue.queuedBytes, queue.droppedFrames]).toEqual([1_000, 2]);
    queue.drain(pipe, 0);
    expect(pipe.take().replace(/ +/g, ' ').trim()).toBe(
      'short0 short1 short2 long0 long1 long2 long3 long4 long5 other',
    );
  });

  it('bounds control apart from data', () => {
    const { queue, dropped } = queueOf(10);
    queue.push(control, Buffer.alloc(CONTROL_QUEUE_BYTES, 'c'), null, 1, 1);
    queue.push(normal, Buffer.from('fits'), null, 1, 1);
    expect(dropped).toEqual([]);
    queue.push(control, Buffer.from('more'), null, 2, 5);
    expect(queue.droppedFrames).toBe(1);
  });

  it('refuses neighbour frames past their bound, for none may be missing', () => {
    const { queue } = queueOf();
    expect(queue.pushNeighbour(Buffer.alloc(NEIGHBOUR_QUEUE_BYTES))).toBe(true);
    expect(queue.pushNeighbour(Buffer.from('x'))).toBe(false);
    expect([queue.routedEmpty, queue.empty]).toEqual([true, false]);
  });

  it('keeps the order of a stream, loses nothing silently and holds bodies exactly as long as it needs them', () => {
    const push = fc.record({
      key: fc.nat(4),
      cls: fc.constantFrom(control, high, normal),
      size: fc.integer({ min: 1, max: 400 }),
    });
    const step = fc.oneof({ weight: 3, arbitrary: push }, { weight: 1, arbitrary: fc.nat(8) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), fc.boolean(), (steps, cleared) => {
        const { queue, pipe, dropped } = queueOf(2_000);
        const pool = new ChunkPool('test', 1 << 20);
        let pushed = 0;
        for (const one of steps) {
          pipe.allowed = typeof one === 'number' ? one : 0;
          if (typeof one === 'number') queue.drain(pipe, 0);
          else {
            const body = pool.adopt(Buffer.alloc(one.size));
            queue.push(one.cls, Buffer.from(`${one.cls}${one.key}:${pushed++}`), body, one.key, 1);
            body.release();
          }
          expect(queue.queuedBytes).toBeLessThanOrEqual(2_000 + CONTROL_QUEUE_BYTES);
        }
        pipe.allowed = Infinity;
        if (cleared) queue.clear();
        else queue.drain(pipe, 0);
        expect([pool.used, queue.queuedBytes]).toEqual([0, 0]);
        if (!cleared) expect(pipe.frames.length + dropped.length).toBe(pushed);
        const last = new Map<string, number>();
        for (const { head } of pipe.frames) {
          const [key, n] = head.toString().split(':') as [string, string];
          expect(Number(n)).toBeGreaterThan(last.get(key) ?? -1);
          last.set(key, Number(n));
        }
      }),
    );
  });

  it('holds no more of high and normal frames than leaves soon, and all of control', () => {
    const { queue, pipe, dropped } = queueOf(4 * QUEUE_BYTES_MIN);
    const body = Buffer.alloc(QUEUE_BYTES_MIN / 4);
    const fill = (): void => {
      for (let n = 0; n < 20; n++) queue.push(normal, body, null, 1, 1);
    };
    fill();
    for (let n = 0; n < 5; n++) queue.push(control, body, null, 1, 1);
    pipe.allowed = 0;
    queue.drain(pipe, 0);
    expect(queue.queuedBytes).toBe(4 * QUEUE_BYTES_MIN + 5 * body.length);
    dropped.length = 0;
    pipe.allowed = 6;
    queue.drain(pipe, QUEUE_RATE_MS);
    expect(pipe.frames.map(({ cls }) => cls)).toEqual([control, control, control, control, control, normal]);
    expect([queue.queuedBytes, dropped.length]).toEqual([QUEUE_BYTES_MIN, 11]);
    fill();
    expect([queue.queuedBytes, dropped.length]).toEqual([QUEUE_BYTES_MIN, 31]);
    pipe.allowed = Infinity;
    queue.drain(pipe, QUEUE_RATE_MS + 1);
    fill();
    expect(queue.queuedBytes).toBe(4 * QUEUE_BYTES_MIN);
  });
});
