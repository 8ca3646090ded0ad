import type { AmqpErrorFields, Source } from '../amqp/codec/types';
import { Outbox } from '../amqp/pair.fixture';
import type { SenderLink } from '../amqp/sender-link';
import type { PeerOptions } from '../client/client.fixture';
import { bufferIo } from './cli.fixture';
import { fairlead } from './peer.fixture';
import { runCli } from './program';

describe('fairlead receive of a durable subscription', () => {
  /** A peer that answers an attach with a source, or has none, and tells what it was asked for. */
  function subscription(source: Source | null, error: AmqpErrorFields | null = null) {
    const asked: { link: SenderLink; closed: boolean | null }[] = [];
    const options: PeerOptions = {
      onLink: (link) => {
        const one: { link: SenderLink; closed: boolean | null } = { link: link as SenderLink, closed: null };
        asked.push(one);
        if (source === null) {
          link.refuse(error ?? { condition: 'amqp:not-found' });
          return;
        }
        link.closesLater = true;
        one.link.handler = Object.assign(new Outbox(), {
          onDetached: (_link: SenderLink, _error: unknown, closed: boolean) => {
            one.closed = closed;
            setImmediate(() => link.closed(error));
          },
        });
        one.link.accept({ source });
      },
    };
    return { asked, options };
  }

  const KEPT = { type: 'source', address: 'topic/a.#', durable: 2, expiryPolicy: 'never' } as const;
  const receiveIt = ['receive', 'topic/a.#', '--durable', 'mine'];

  it('asks for it by its name, belonging to no client, and leaves it', async () => {
    const { asked, options } = subscription(KEPT);
    expect(await fairlead([...receiveIt, '--timeout', '50ms'], options)).toBe(0);
    const [looked, { link, closed } = { link: null, closed: null }] = asked;
    expect([looked?.link.remote?.source, looked?.closed]).toEqual([null, false]);
    expect(link?.name).toBe('mine');
    expect(link?.remote?.source).toMatchObject({ ...KEPT, capabilities: ['topic', 'global'] });
    expect(closed).toBe(false);
  });

  it('is left as it is when it is one to another topic', async () => {
    const io = bufferIo();
    const { asked, options } = subscription(KEPT);
    expect(await fairlead(['receive', 'topic/b.#', '--durable', 'mine'], options, io)).toBe(1);
    expect(asked.map(({ link, closed }) => [link.remote?.source, closed])).toEqual([[null, false]]);
    expect(io.stderr()).toMatch(
      /^FL_SUBSCRIPTION_OTHER: subscription 'mine' is one to topic\/a\.#, not to topic\/b\.#/,
    );
  });

  it('fails where the node keeps nothing', async () => {
    const io = bufferIo();
    const { options } = subscription({ ...KEPT, durable: 0 });
    expect(await fairlead(receiveIt, options, io)).toBe(1);
    expect(io.stderr()).toMatch(
      /^FL_CLIENT_NOT_DURABLE: the node has no durable subscriptions to topic\/a\.#: only topics have$/,
    );
  });

  it('ends it', async () => {
    const io = bufferIo();
    const { asked, options } = subscription(KEPT);
    expect(await fairlead(['receive', 'a.#', '--durable', 'mine', '--unsubscribe'], options, io)).toBe(0);
    expect(asked[0]?.link.remote).toMatchObject({ name: 'mine', source: null, desiredCapabilities: ['global'] });
    expect(asked[0]?.closed).toBe(true);
    expect(io.stderr()).toBe('subscription mine to topic/a.# is ended');
  });

  it('does not end one to another address', async () => {
    const io = bufferIo();
    const { asked, options } = subscription(KEPT);
    expect(await fairlead(['receive', 'topic://b', '--durable', 'mine', '--unsubscribe'], options, io)).toBe(1);
    expect(asked[0]?.closed).toBe(false);
    expect(io.stderr()).toBe(
      "FL_SUBSCRIPTION_OTHER: subscription 'mine' is one to topic/a.#, not to topic://b: it stays",
    );
  });

  it.each([
    [null, 'amqp:not-found', /^FL_CLIENT_REFUSED: looking for subscription 'mine' was refused: amqp:not-found$/],
    [
      KEPT,
      'amqp:resource-locked',
      /^FL_CLIENT_REFUSED: the end of subscription 'mine' was refused: amqp:resource-locked$/,
    ],
  ])('says why it cannot end it: %j, %s', async (source, condition, said) => {
    const io = bufferIo();
    const { options } = subscription(source, { condition });
    expect(await fairlead([...receiveIt, '--unsubscribe'], options, io)).toBe(1);
    expect(io.stderr()).toMatch(said);
  });

  it.each([
    [['--durable', 'a|b'], "option '--durable <name>' argument 'a|b' is invalid. Expected a name of at most 512 bytes"],
    [['--durable', ''], "option '--durable <name>' argument '' is invalid. Expected a name of at most 512 bytes"],
    [['--unsubscribe'], "required option '--durable <name>' not specified"],
  ])('says what is wrong with %j', async (args, said) => {
    const io = bufferIo();
    expect(await runCli(['receive', 'a', ...args], io)).toBe(1);
    expect(io.stderr()).toContain(said);
  });
});
