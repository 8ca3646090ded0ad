import { CLIENT_PAIRS } from '../support/clients/foreign-clients';
import { dataMessage } from '../support/clients/message';
import { Ends } from '../support/ends';

/** Enough to meet a race that shows now and then. */
const ROUNDS = 50;

let ends: Ends;

beforeAll(async () => {
  ends = await Ends.start(['laptop', 'private', 'public']);
});

afterAll(() => ends.close());

describe.each(CLIENT_PAIRS)('from %s to %s over two hops', (from, to) => {
  it.each(['topic', 'multicast'])(
    'the first message after a confirmed subscription of a %s arrives, every time',
    async (kind) => {
      const sender = await ends.first(from).openSender({ address: null });
      for (let round = 0; round < ROUNDS; round++) {
        const name = `first.${from}.${to}.${round}`;
        const receiver = await ends.last(to).openReceiver({ address: `${kind}/${name}`, autoAccept: true });
        const message = dataMessage(`round ${round}`, { to: `${kind}/${name}` });
        const outcome = sender.send(message);
        expect((await receiver.inbox.next()).payload).toEqual(message);
        expect((await outcome).state).toBe('accepted');
        await receiver.close();
      }
      await sender.close();
    },
  );
});
