import fc from 'fast-check';
import { FRAME } from '../links/contract';
import { headLength, writeBatchHead } from '../streams/frames';
import { ChecksumTransport, checkedStart } from './checksum-transport';

function framed(head: Buffer, body: Buffer | null): Buffer {
  const sent: Buffer[] = [];
  const below = {
    send: (_cls: number, first: Buffer, second: Buffer | null) => void sent.push(first, ...(second ? [second] : [])),
    room: () => 1,
    close: () => undefined,
  };
  new ChecksumTransport(below).send(0, head, body);
  return Buffer.concat(sent);
}

describe('ChecksumTransport', () => {
  const batchHead = writeBatchHead({
    cls: 2,
    resent: false,
    hops: 3,
    origin: 1,
    incarnation: 2,
    targets: [{ node: 3, incarnation: 4, epoch: 5, firstSeq: 6 }],
    count: 1,
    bodyCrc: 7,
  });

  it('passes whole frames, and the head of a batch without its body', () => {
    const hello = framed(Buffer.from([FRAME.hello, 1, 2, 3]), null);
    expect(checkedStart(hello, 0, hello.length)).toBe(4);
    const batch = framed(batchHead, Buffer.from('body'));
    expect(checkedStart(batch, 0, batch.length)).toBe(4);
    expect(headLength(batch, 4, batch.length)).toBe(batchHead.length);
  });

  it('notices any damaged byte of a head', () => {
    fc.assert(
      fc.property(fc.nat({ max: batchHead.length + 3 }), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const bytes = framed(batchHead, null);
        bytes[at] = (bytes[at] as number) ^ flip;
        expect(checkedStart(bytes, 0, bytes.length)).toBe(-1);
      }),
    );
  });

  it('notices frames that are too short', () => {
    for (let length = 0; length < 5; length++) expect(checkedStart(Buffer.alloc(8), 0, length)).toBe(-1);
  });
});
