import { FlushQueue } from '../../transport/flush-queue';
import { FILTERS_OF_TURN } from './limits';
import { TestNode } from './mqtt.fixture';
import { SubscribeTurns } from './subscribe-turns';

describe('SubscribeTurns', () => {
  it('lets so many begin in a turn, and the others in the next ones in order', () => {
    const queue = new FlushQueue(() => undefined);
    const turns = new SubscribeTurns(queue);
    const served: number[] = [];
    const waiter = (index: number) => {
      const self = {
        goOn: (): void => {
          if (!turns.may(self)) return;
          turns.spent(FILTERS_OF_TURN / 2);
          served.push(index);
        },
      };
      return self;
    };
    for (let index = 0; index < 7; index++) waiter(index).goOn();
    expect(served).toEqual([0, 1]);
    queue.flush();
    expect(served).toEqual([0, 1, 2, 3]);
    // Who comes now is behind those that wait.
    waiter(7).goOn();
    queue.flush();
    queue.flush();
    expect(served).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it('forgets who has gone', () => {
    const queue = new FlushQueue(() => undefined);
    const turns = new SubscribeTurns(queue);
    turns.spent(FILTERS_OF_TURN);
    const gone = { goOn: jest.fn() };
    expect(turns.may(gone)).toBe(false);
    turns.forget(gone);
    queue.flush();
    expect(gone.goOn).not.toHaveBeenCalled();
    expect(turns.may(gone)).toBe(true);
  });
});

it('a storm of SUBSCRIBE packets is answered turn by turn, each client in order', () => {
  const node = new TestNode();
  const clients = Array.from({ length: 4 }, (_, at) => node.client().connected({ clientId: `storm-${at}` }));
  const subscriptions = Array.from({ length: FILTERS_OF_TURN }, (_, at) => ({ topic: `t/${at}`, qos: 0 }));
  for (const client of clients)
    client.stream.user?.read(client.bytes({ cmd: 'subscribe', messageId: 1, subscriptions } as object));
  const begun = (): number => node.addresses.consumers.length / FILTERS_OF_TURN;
  expect(begun()).toBe(1);
  for (let turn = 2; turn <= 4; turn++) {
    node.queue.flush();
    expect(begun()).toBe(turn);
  }
  expect(clients.map(({ stream }) => stream.paused)).toEqual([false, false, false, false]);
});
