import { OUTCOME } from '../../src/streams/contract';
import type { SimConsumer } from './address-clients';
import { simMesh } from './address-meshes';
import { Dice } from './dice';
import { subscriber, topicPublisher } from './subscriptions.fixture';
import { rule } from './virtual-mesh';

/** More of them by `FAIRLEAD_STORM_SEEDS`. */
const STORMS = Number(process.env.FAIRLEAD_STORM_SEEDS ?? 40);
const shared = [rule('news.#', 'topic')];

describe('a client that makes and ends its subscription at three sites at once', () => {
  it.each(Array.from({ length: STORMS }, (_, n) => n))('harms nobody, and leaves one or none: seed %i', (seed) => {
    const sim = simMesh(['a-b', 'b-c'], { shared, latencyMs: [1, 5, 25, 60][seed % 4] as number });
    const { node, run, until } = sim;
    const dice = new Dice(seed + 1);
    const open: SimConsumer[] = [];
    const publisher = topicPublisher(node('b'), 'news.x');
    const other = subscriber(node('a'), 'news.#', { name: 'other', owner: 'other' });
    until('confirmed', () => other.confirmed !== null);
    const ref = { name: 'sub', client: 'client' };
    for (let n = 0; n < 200; n++) {
      const at = node(['a', 'b', 'c'][dice.below(3)] as string);
      const what = dice.below(10);
      try {
        if (what < 5) open.push(subscriber(at, dice.below(10) === 0 ? 'news.y' : 'news.#'));
        else if (what < 8) {
          const one = open.splice(dice.below(open.length + 1), 1)[0];
          one?.close();
          if (one !== undefined && dice.below(2) === 0) at.running.addresses.unsubscribe(ref, () => undefined);
        } else at.running.addresses.unsubscribe(ref, () => undefined);
      } catch (error) {
        if (!String((error as { code?: string }).code).startsWith('FL_')) throw error;
      }
      publisher.sendAll((m) => `m${m}`, 1);
      run(dice.below(seed % 3 === 0 ? 8 : 40));
    }
    for (const consumer of open) consumer.close();
    run(5_000);
    expect(new Set(publisher.outcomes.values())).toEqual(new Set([OUTCOME.accepted]));
    expect(other.got.length).toBe(publisher.sent);
    const homes = ['a', 'b', 'c'].map((name) => [...node(name).running.queueHomes()].map(String).sort().join());
    expect(new Set(homes).size).toBe(1);
    const last = subscriber(node('c'), 'news.#');
    until('confirmed', () => last.confirmed !== null);
    const before = last.got.length;
    until('credit', () => publisher.credit > 0);
    publisher.send('last');
    until('it', () => last.got.at(-1) === 'last');
    expect(last.got.length).toBeGreaterThan(before);
  });
});
