import { CLIENT_PAIRS } from '../support/clients/foreign-clients';
import { type Delivery, RCV, SND } from '../support/clients/client';
import { dataMessage } from '../support/clients/message';
import { Ends } from '../support/ends';

const KINDS = ['topic', 'multicast', 'anycast'] as const;
const SND_MODES = Object.entries(SND);
const RCV_MODES = Object.entries(RCV);
const MESSAGES = 6;

let ends: Ends;

beforeAll(async () => {
  ends = await Ends.start(['laptop', 'private', 'public']);
});

afterAll(() => ends.close());

describe.each(CLIENT_PAIRS)('from %s to %s over two hops', (from, to) => {
  describe.each(KINDS)('%s', (kind) => {
    describe.each(SND_MODES)('sent %s', (sndName, snd) => {
      it.each(RCV_MODES)('in receiver mode %s', async (rcvName, rcv) => {
        const address = `${kind}/settle.${from}.${to}.${sndName}.${rcvName}`;
        const receiver = await ends.last(to).openReceiver({ address, snd, rcv });
        const sender = await ends.first(from).openSender({ address, snd, rcv });
        const payloads = Array.from({ length: MESSAGES }, (_, n) => dataMessage(`${address} ${n}`));
        const settled = (n: number): boolean => snd === SND.settled || (snd === SND.mixed && n % 2 === 1);
        const outcomes = payloads.map((payload, n) => sender.send(payload, { settled: settled(n) }));

        const deliveries: Delivery[] = [];
        for (let n = 0; n < MESSAGES; n++) {
          const delivery = await receiver.inbox.next();
          deliveries.push(delivery);
          if (!delivery.settled) delivery.accept();
        }
        expect(deliveries.map(({ payload }) => payload)).toEqual(payloads);
        if (snd === SND.settled) expect(deliveries.every((delivery) => delivery.settled)).toBe(true);
        if (rcv === RCV.second)
          await Promise.all(deliveries.filter((d) => !d.settled).map(({ settledByNode }) => settledByNode));
        const states = (await Promise.all(outcomes)).map(({ state }) => state);
        expect(states).toEqual(payloads.map((_, n) => (settled(n) ? 'sent' : 'accepted')));
        await Promise.all([sender.close(), receiver.close()]);
      });
    });
  });
});
