import { AmqpMap, sym } from '../amqp/codec/values';
import { OUTCOME } from '../streams/contract';
import { QueueState } from './queue-state';
import { Home, largeOf, messageOf } from './queues.fixture';
import { StateRecount } from './recount';
import { SPACE } from './spaces';

const later = new AmqpMap([[sym('x-opt-delivery-delay'), 60_000]]);

/** A queue with messages everywhere: in several lanes, delayed, dead and large. */
function filled(): Home {
  const home = new Home();
  const queue = home.open({ deadLetter: 'topic/dead' });
  for (let n = 0; n < 30; n++) home.put(queue, messageOf(`m${n}`, { header: { priority: n % 10 } }));
  home.put(queue, messageOf('expires', { header: { ttl: 100_000 } }));
  for (let n = 0; n < 4; n++) home.put(queue, messageOf('later', { annotations: later }));
  home.put(queue, messageOf('later, and expires', { annotations: later, header: { ttl: 100_000 } }));
  home.putLarge(queue, largeOf('x', 200_000));
  home.settle();
  const consumer = home.consume(queue, 5);
  home.settle();
  const [first, second] = consumer.deliveries;
  for (const { token } of [first!, second!]) consumer.link.settle(token, OUTCOME.rejected, null, false);
  home.settle();
  return home;
}

function recount({ store }: Home, but: readonly number[] = []): QueueState {
  const counted = new StateRecount();
  for (const space of Object.values(SPACE).filter((one) => one !== SPACE.directory && !but.includes(one)))
    store.scan(space, 1, 0, Number.MAX_SAFE_INTEGER, (key, value) => {
      counted.add(space, key, value);
      return true;
    });
  return counted.result();
}

describe('the state of a queue, counted anew', () => {
  it('is what the queue has written of itself', () => {
    const home = filled();
    const wanted = QueueState.decode(home.store.get(SPACE.state, 1, 0)!);
    expect([wanted.delayed, wanted.dead, wanted.expiring]).toEqual([5, 2, 2]);
    expect(recount(home)).toEqual(wanted);
  });

  it('writes over no message and takes all as delivered where the queue has lost it', () => {
    const home = filled();
    const wanted = QueueState.decode(home.store.get(SPACE.state, 1, 0)!);
    const found = recount(home, [SPACE.state]);
    expect({ ...found, lastSeq: 0, mark: 0 }).toEqual({ ...wanted, lastSeq: 0, mark: 0 });
    expect(found.lastSeq).toBeGreaterThan(wanted.lastSeq);
    expect(found.mark).toBe(found.lastSeq);
  });
});
