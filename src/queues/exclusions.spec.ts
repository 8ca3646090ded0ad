import { OUTCOME } from '../streams/contract';
import type { Queue, QueueConsumerSpec } from './contract';
import { EXCLUDED_ENDPOINTS_MAX, EXCLUSIONS_MAX } from './limits';
import { Home } from './queues.fixture';
import { SPACE } from './spaces';

describe('what the endpoint of a link can never take', () => {
  let home: Home;
  beforeEach(() => (home = new Home()));

  const red = { endpoint: 7 };
  const blue = { endpoint: 8 };

  /** A queue whose first message `red` has said that of. */
  function refused(): Queue {
    const queue = home.open();
    const one = home.consume(queue, 10, red);
    home.put(queue, 'a');
    home.settle();
    one.settle('a', OUTCOME.modifiedHere);
    home.settle();
    one.link.close(false);
    return queue;
  }

  /** What a consumer of the queue gets now. */
  function given(queue: Queue, spec: Partial<QueueConsumerSpec>): readonly string[] {
    const consumer = home.consume(queue, 10, spec);
    home.settle();
    const { texts } = consumer;
    for (const text of texts) consumer.settle(text, OUTCOME.released);
    consumer.link.close(false);
    return texts;
  }

  it('is not given to it when it comes back, also after a crash', () => {
    expect(given(refused(), red)).toEqual([]);
    home.crash();
    expect(given(home.open(), red)).toEqual([]);
    expect(given(home.open(), blue)).toEqual(['a']);
  });

  it('is remembered although the group failed that told of it', () => {
    const queue = home.open();
    const one = home.consume(queue, 10, red);
    home.put(queue, 'a');
    home.settle();
    one.settle('a', OUTCOME.modifiedHere);
    home.host.flush();
    home.store.fail();
    home.settle();
    home.crash();
    expect(given(home.open(), red)).toEqual([]);
  });

  it('is given to it again when it has closed its link', () => {
    const queue = refused();
    home.consume(queue, 0, red).link.close(false, true);
    home.settle();
    home.crash();
    expect(given(home.open(), red)).toEqual(['a']);
  });

  it('leaves nothing behind when it is gone', () => {
    const queue = refused();
    home.consume(queue, 1, { ...blue, settled: true });
    home.settle();
    expect(home.store.keys(SPACE.exclusions, 1)).toEqual([]);
  });

  it('is remembered of so many endpoints, and of so many messages', () => {
    const queue = home.open();
    home.put(queue, 'a');
    home.settle();
    for (let endpoint = 1; endpoint <= EXCLUDED_ENDPOINTS_MAX + 1; endpoint++) {
      const consumer = home.consume(queue, 1, { endpoint });
      home.settle();
      consumer.settle('a', OUTCOME.modifiedHere);
      consumer.link.close(false);
    }
    expect(given(queue, { endpoint: 1 })).toEqual(['a']);
    expect(given(queue, { endpoint: 2 })).toEqual([]);
    home.consume(queue, 1, { settled: true });
    for (let n = 0; n <= EXCLUSIONS_MAX; n++) home.put(queue, `m${n}`);
    home.settle();
    const red7 = home.consume(queue, EXCLUSIONS_MAX + 1, red);
    home.settle();
    for (const text of red7.texts) red7.settle(text, OUTCOME.modifiedHere);
    home.settle();
    red7.more(10);
    expect(red7.texts).toEqual(['m0']);
    expect(home.store.keys(SPACE.exclusions, 1)).toHaveLength(EXCLUSIONS_MAX);
  });
});
