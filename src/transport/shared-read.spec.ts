import { connect, type Socket } from 'node:net';
import { readFrom } from './shared-read';
import { dialTcp, TcpListener } from './tcp';

/** A listener, a connection to it, and both of its ends. */
async function joined(): Promise<{ readonly listener: TcpListener; readonly near: Socket; readonly far: Socket }> {
  let accept: (socket: Socket) => void = () => undefined;
  const accepted = new Promise<Socket>((resolve) => (accept = resolve));
  const listener = await TcpListener.listen({ host: '127.0.0.1', port: 0 }, accept);
  const near = await dialTcp(listener.address, 10_000);
  return { listener, near, far: await accepted };
}

function collect(socket: Socket, bytes: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let length = 0;
  return new Promise((resolve) => {
    readFrom(socket, (chunk) => {
      parts.push(Buffer.from(chunk));
      length += chunk.length;
      if (length >= bytes) resolve(Buffer.concat(parts));
    });
  });
}

function pattern(bytes: number, salt: number): Buffer {
  return Buffer.from(Uint8Array.from({ length: bytes }, (_, at) => at * 7 + salt + (at >>> 8)));
}

describe('shared reads', () => {
  it('carry both directions of several connections at once, byte for byte', async () => {
    const pairs = await Promise.all([joined(), joined(), joined()]);
    const sent = pairs.map((_, n) => pattern(700_000, n));
    const got = pairs.flatMap(({ near, far }) => [collect(near, 700_000), collect(far, 700_000)]);
    pairs.forEach(({ near, far }, n) => {
      near.write(sent[n] as Buffer);
      far.write(sent[n] as Buffer);
    });
    const all = await Promise.all(got);
    expect(all.map((bytes, at) => bytes.equals(sent[at >> 1] as Buffer))).toEqual(all.map(() => true));
    await Promise.all(pairs.map(({ listener }) => listener.close()));
  });

  it('allocate nothing of the size of what is read', async () => {
    const { listener, near, far } = await joined();
    const buffers = new Set<ArrayBufferLike>();
    let length = 0;
    const done = new Promise<void>((resolve) =>
      readFrom(far, (chunk) => {
        buffers.add(chunk.buffer);
        if ((length += chunk.length) === 2_000_000) resolve();
      }),
    );
    near.write(Buffer.alloc(2_000_000));
    await done;
    expect(buffers.size).toBe(1);
    await listener.close();
  });

  it('keep what comes before somebody reads', async () => {
    const { listener, near, far } = await joined();
    const seen = new Promise<void>((resolve) => near.write('early', () => setImmediate(resolve)));
    await seen;
    expect((await collect(far, 5)).toString()).toBe('early');
    await listener.close();
  });

  it('tell the end and the close of a connection to both sides', async () => {
    const { listener, near, far } = await joined();
    const told: string[] = [];
    const closed = [near, far].map((socket, at) => {
      readFrom(socket, () => undefined);
      socket.on('end', () => told.push(`end ${at}`));
      return new Promise<void>((resolve) => socket.on('close', () => resolve()));
    });
    near.end();
    await Promise.all(closed);
    expect(told.sort()).toEqual(['end 0', 'end 1']);
    expect(listener.connections).toBe(0);
    await listener.close();
  });

  it('leave sockets of other origin to their events', async () => {
    const { listener, far } = await joined();
    const plain = connect(listener.address);
    far.destroy();
    const got = collect(plain, 3);
    plain.emit('data', Buffer.from('abc'));
    expect((await got).toString()).toBe('abc');
    plain.destroy();
    await listener.close();
  });
});
