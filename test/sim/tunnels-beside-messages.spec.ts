import { SimConsumer, SimPublisher } from './address-clients';
import { simMesh } from './address-meshes';
import { call, SimService } from './tunnel-ends';
import { rule } from './virtual-mesh';

const MIB = 1024 * 1024;
/** 10 MB/s: a transfer of 40 MiB takes four seconds, and longer with others on the way. */
const BYTES_PER_MS = 10_000;
const EVERY_MS = 5;

/** How long messages took, sent all the while that a transfer runs the same way. */
function besideTransfer(ways: number): { readonly took: number[]; readonly transferMs: number } {
  const { node, mesh, time, run, until } = simMesh(['a-b', 'b-c'], { shared: [rule('t.#', 'topic')] });
  for (const { quality } of mesh.wires) quality.bytesPerMs = BYTES_PER_MS;
  const service = new SimService(node('c'), 'shop');
  const consumer = new SimConsumer(node('c'), 't.x');
  const publisher = new SimPublisher(node('a'), 't.x');
  run(500);
  const callers = Array.from({ length: ways }, () => call(node('a'), 'shop'));
  until('open', () => callers.every(({ openedCount }) => openedCount === 1));
  const start = time.now;
  for (const caller of callers) caller.send((40 * MIB) / ways, true);
  const took: number[] = [];
  const done = (): boolean => service.ends.length === ways && service.ends.every(({ ended }) => ended);
  while (!done()) {
    const sent = time.now;
    const before = consumer.got.length;
    publisher.send('x'.repeat(200));
    until('the message is there', () => consumer.got.length > before);
    took.push(time.now - sent);
    run(Math.max(0, EVERY_MS - (time.now - sent)));
  }
  expect(service.ends.every(({ wrong }) => wrong === 0)).toBe(true);
  return { took: took.sort((a, b) => a - b), transferMs: time.now - start };
}

describe.each([1, 20])('messages beside a transfer by %d tunnels over the same links (F38)', (ways) => {
  it('take their turn on each link, and the transfer has what is left', () => {
    const { took, transferMs } = besideTransfer(ways);
    const p99 = took[Math.floor(took.length * 0.99)] as number;
    // Two frames of the transfer before it on each link, and what the wires hold.
    expect(p99).toBeLessThan(50);
    expect(transferMs).toBeLessThan(1.3 * ((40 * MIB) / BYTES_PER_MS));
  });
});
