import { nodeIdOf } from '../links/contract';
import { TestReplicas, TestRoutes } from './parts.fixture';
import { PLAIN_CLAIM, readClaim, writeClaim, type QueueClaim } from './queue-claim';
import { NOWHERE, QueueHomes } from './queue-homes';
import { defaultPolicy } from './rules';

const policy = defaultPolicy('queue');

function setUp(): { homes: QueueHomes; replicas: TestReplicas; changed: string[] } {
  const replicas = new TestReplicas();
  const changed: string[] = [];
  const homes = new QueueHomes('a', new TestRoutes('a', 'b', 'c'), replicas, (name) => void changed.push(name));
  return { homes, replicas, changed };
}

function claim(more: Partial<QueueClaim> = {}): QueueClaim {
  return { ...PLAIN_CLAIM, ...more };
}

describe('homes of queues', () => {
  it('are the nodes that say so, of several the one with the greatest generation, then the lowest name', () => {
    const { homes } = setUp();
    const home = (): number => homes.homeOf('q', policy);
    expect(home()).toBe(nodeIdOf('a'));
    homes.onFact('c', 'queue/q', Buffer.alloc(0));
    expect(home()).toBe(nodeIdOf('c'));
    homes.onFact('b', 'queue/q', Buffer.alloc(0));
    expect(home()).toBe(nodeIdOf('b'));
    homes.onFact('c', 'queue/q', writeClaim(claim({ generation: 1 })));
    expect(home()).toBe(nodeIdOf('c'));
    expect(homes.claims('q').map(({ owner }) => owner)).toEqual(['c', 'b']);
    expect(homes.conflicts(() => policy)).toEqual(["queue 'q' is at b and c; that of c holds"]);
    homes.onFact('c', 'queue/q', null);
    expect(home()).toBe(nodeIdOf('b'));
  });

  it('are told of queues here, with what is claimed, and every change is noticed', () => {
    const { homes, replicas, changed } = setUp();
    homes.own('q', claim({ generation: 2 }));
    expect(readClaim(replicas.own.get('queue/q') as Buffer)).toEqual(claim({ generation: 2 }));
    homes.own('q', null);
    expect(replicas.own.size).toBe(0);
    homes.onFact('b', 'other/q', Buffer.alloc(0));
    expect(changed).toEqual(['q', 'q']);
  });

  it('of subscriptions are nowhere before they are told, and of an intake its node', () => {
    const { homes } = setUp();
    expect(homes.homeOf('$sub/c/s', policy)).toBe(NOWHERE);
    expect(homes.homeOf('$durable/b', policy)).toBe(nodeIdOf('b'));
  });
});
