import type { ReceiverLink } from '../amqp/receiver-link';
import type { SenderLink } from '../amqp/sender-link';
import { AMQP_OUTCOME, type AmqpOutcome } from '../amqp/constants';
import { Inbox, Outbox } from '../amqp/pair.fixture';
import type { PeerOptions } from '../client/client.fixture';
import { AmqpMap } from '../amqp/codec/values';
import { decodeMessage } from '../message/decode-message';
import { encodeMessage } from '../message/encode-message';
import { textBody } from '../message/message';
import { bufferIo } from './cli.fixture';
import { fairlead, startPeer } from './peer.fixture';
import { runCli } from './program';

/** A peer that takes messages into an inbox and gives the outcomes in turn. */
function outcomes(inbox: Inbox[], ...list: AmqpOutcome[]): PeerOptions {
  return {
    onLink: (link) => {
      link.accept();
      const receiver = link as ReceiverLink;
      let n = 0;
      const box = new Inbox((_link, id) => receiver.dispose(id, list[n++ % list.length] as AmqpOutcome, true));
      inbox.push(box);
      receiver.handler = box;
      receiver.addCredit(1_000);
    },
  };
}

/** A peer that sends these texts, with the credit it gets. */
function sending(texts: readonly string[], outbox = new Outbox()): PeerOptions {
  let next = 0;
  const pump = (link: SenderLink): void => {
    while (next < texts.length && link.canSend()) {
      const bytes = encodeMessage({ body: textBody(texts[next] ?? '') });
      link.send(bytes, 0, bytes.length, next++, false, 0);
    }
  };
  return {
    onLink: (link) => {
      link.accept();
      const sender = link as SenderLink;
      sender.handler = Object.assign(outbox, { onWritable: pump, onCredit: pump });
    },
  };
}

it.each([
  ['send', 'a', 'x'],
  ['receive', 'a'],
])('says what to do when nothing answers: %s', async (...args) => {
  const io = bufferIo();
  const peer = await startPeer({});
  const { url } = peer;
  await peer.stop();
  expect(await runCli([...args, '--url', url], io)).toBe(1);
  expect(io.stderr()).toMatch(/^FL_DIAL: cannot reach .*ECONNREFUSED.*; --url names a listener of a running node$/);
});

describe('fairlead send', () => {
  it('sends the body as often as asked for, and counts', async () => {
    const io = bufferIo();
    const inbox: Inbox[] = [];
    const args = ['send', 'topic/a', 'hello', '--count', '3', '--property', 'a=1', '--property', 'b=x=y', '--durable'];
    expect(await fairlead(args, outcomes(inbox, AMQP_OUTCOME.accepted), io)).toBe(0);
    expect(io.stdout()).toBe('3 accepted');
    const bodies = inbox[0]?.deliveries.map(({ body }) => decodeMessage(body)) ?? [];
    expect(bodies).toHaveLength(3);
    expect(bodies[0]).toMatchObject({ header: { durable: true }, body: textBody('hello') });
    expect([...(bodies[0]?.applicationProperties ?? new AmqpMap())]).toEqual([
      ['a', '1'],
      ['b', 'x=y'],
    ]);
  });

  it.each([
    [
      ['send', 'topics/a', 'x'],
      'note: topics is no kind of address; all of topics/a is the name (did you mean topic/?)',
    ],
    [['send', 'quue://a', 'x'], 'note: quue is no kind of address; all of quue://a is the name (did you mean queue/?)'],
    [['send', 'topic/a', 'x'], ''],
    [['send', 'quote/a', 'x'], ''],
    [['send', 'topics', 'x'], ''],
  ])('tells of a misspelt kind, and sends all the same: %j', async (args, told) => {
    const io = bufferIo();
    expect(await fairlead(args, outcomes([], AMQP_OUTCOME.accepted), io)).toBe(0);
    expect(io.stderr()).toBe(told);
  });

  it.each([
    [['send', 'topic/a', 'two', 'words'], "unexpected argument 'words': a text with spaces stands in quotes"],
    [['receive', 'topic/a', '--durable', 'my', 'ledger'], "unexpected argument 'ledger': a text with spaces"],
    [['send', '', 'x'], "argument 'address'. Expected an address such as topic/orders.new."],
  ])('says what is wrong with %j', async (args, said) => {
    const io = bufferIo();
    expect(await runCli(args, io)).toBe(1);
    expect(io.stderr()).toContain(said);
  });

  it.each<[string, Buffer, unknown]>([
    ['text', Buffer.from('two\nlines'), textBody('two\nlines')],
    ['bytes', Buffer.from([0xff, 0x00]), { kind: 'data', parts: [Buffer.from([0xff, 0x00])] }],
  ])('reads %s from stdin', async (_what, stdin, body) => {
    const inbox: Inbox[] = [];
    expect(await fairlead(['send', 'a', '-'], outcomes(inbox, AMQP_OUTCOME.accepted), bufferIo(stdin))).toBe(0);
    expect(decodeMessage(inbox[0]?.deliveries[0]?.body ?? Buffer.alloc(0)).body).toEqual(body);
  });

  it('fails unless every message was accepted, and says which were not', async () => {
    const io = bufferIo();
    const options = outcomes([], AMQP_OUTCOME.accepted, AMQP_OUTCOME.released);
    expect(await fairlead(['send', 'a', 'x', '--count', '4'], options, io)).toBe(1);
    expect(io.stdout()).toBe('2 accepted, 2 released');
    expect(io.stderr().split('\n')).toEqual([
      'message 2: released (nobody took it)',
      'message 4: released (nobody took it)',
    ]);
  });

  it('says of a message that is too large for the node how large one may be', async () => {
    const io = bufferIo();
    const options: PeerOptions = { onLink: (link) => (link as ReceiverLink).accept({ maxMessageSize: 64 }) };
    expect(await fairlead(['send', 'a', 'x'.repeat(65), '--count', '3'], options, io)).toBe(1);
    expect(io.stdout()).toBe('3 not sent');
    expect(io.stderr()).toMatch(/^FL_CLIENT_TOO_LARGE: .* takes messages of at most 64 bytes, this one has \d+ with/);
  });

  it('sends no faster than it is told to', async () => {
    const begun = performance.now();
    const args = ['send', 'a', 'x', '--count', '6', '--rate', '50'];
    expect(await fairlead(args, outcomes([], AMQP_OUTCOME.accepted))).toBe(0);
    expect(performance.now() - begun).toBeGreaterThanOrEqual(95);
  });

  it('gives up when nothing moves, and says why', async () => {
    const io = bufferIo();
    expect(await fairlead(['send', 'anycast/a', 'x', '--timeout', '60ms'], {}, io)).toBe(1);
    expect(io.stderr()).toMatch(/^FL_CLIENT_STALLED: nothing moved on anycast\/a for 60ms: the node gives no credit/);
    expect(io.stdout()).toBe('1 not sent');
  });

  it('tells while it waits that nobody consumes the address', async () => {
    const io = bufferIo();
    expect(await fairlead(['send', 'anycast/a', 'x', '--timeout', '2100ms'], {}, io)).toBe(1);
    const [first, second, ...more] = io.stderr().split('\n');
    expect(first).toMatch(/^anycast\/a: the node gives no credit: .* has no consumer.*up to 2100ms \(--timeout\)$/);
    expect([second, more]).toEqual([expect.stringMatching(/^FL_CLIENT_STALLED: /), []]);
  });

  it('ends with Ctrl-C, and counts what was not sent', async () => {
    const io = bufferIo();
    const options: PeerOptions = {
      onLink: (link) => {
        link.accept();
        io.interrupt();
      },
    };
    expect(await fairlead(['send', 'a', 'x', '--count', '2'], options, io)).toBe(1);
    expect(io.stdout()).toBe('2 not sent');
  });

  it.each([
    ['--property', 'novalue', 'Expected KEY=VALUE'],
    ['--property', '=v', 'Expected KEY=VALUE'],
    ['--count', '0', 'Expected a whole number from 1'],
    ['--rate', '-1', 'Expected a number above 0'],
    ['--timeout', '5', 'Expected a duration such as 500ms'],
  ])('refuses %s %s', async (option, value, expected) => {
    const io = bufferIo();
    expect(await runCli(['send', 'a', 'x', `${option}=${value}`], io)).toBe(1);
    expect(io.stderr()).toContain(expected);
    expect(io.stderr()).toContain(option);
  });
});

describe('fairlead receive', () => {
  it('prints a line each, accepts, and ends at the count', async () => {
    const io = bufferIo();
    const outbox = new Outbox();
    expect(await fairlead(['receive', 'a', '--count', '2'], sending(['one', 'two', 'three'], outbox), io)).toBe(0);
    expect(io.stdout()).toBe('one\ntwo');
    expect(outbox.outcomes.map(({ outcome }) => outcome)).toEqual([AMQP_OUTCOME.accepted, AMQP_OUTCOME.accepted]);
  });

  it('takes no more than its reader does, and accepts what is written', async () => {
    const io = bufferIo();
    const outbox = new Outbox();
    const texts = Array.from({ length: 500 }, (_, n) => String(n));
    const waiting: (() => void)[] = [];
    let most = 0;
    /** One line a turn. */
    const write = (): void => {
      waiting.shift()?.();
      if (waiting.length > 0) setImmediate(write);
    };
    const out = (line: string, written?: () => void): void => {
      if (waiting.push(() => io.out(line, written)) === 1) setImmediate(write);
      most = Math.max(most, waiting.length);
    };
    expect(await fairlead(['receive', 'a', '--count', '500'], sending(texts, outbox), { ...io, out })).toBe(0);
    expect(most).toBeLessThanOrEqual(100);
    expect(io.stdout()).toBe(texts.join('\n'));
    expect(outbox.outcomes).toHaveLength(500);
  });

  it('prints JSON', async () => {
    const io = bufferIo();
    expect(await fairlead(['receive', 'a', '--count', '1', '--json'], sending(['one']), io)).toBe(0);
    expect(JSON.parse(io.stdout())).toEqual({ body: 'one' });
  });

  it('fails when fewer came before the time was over', async () => {
    const io = bufferIo();
    expect(await fairlead(['receive', 'a', '--count', '2', '--timeout', '80ms'], sending(['one']), io)).toBe(1);
    expect(io.stderr()).toContain('1 of 2 messages came; then none for 80ms');
  });

  it('without a count ends well when the time is over', async () => {
    expect(await fairlead(['receive', 'a', '--timeout', '60ms'], sending(['one']))).toBe(0);
  });

  it('ends well with Ctrl-C', async () => {
    const io = bufferIo();
    const err = io.err.bind(io);
    const running = fairlead(['receive', 'a'], sending([]), {
      ...io,
      err: (line) => {
        err(line);
        io.interrupt();
      },
    });
    expect(await running).toBe(0);
    expect(io.stderr()).toMatch(/^receiving from a at 127\.0\.0\.1:\d+$/);
  });

  it('fails when the connection is lost', async () => {
    const io = bufferIo();
    const options: PeerOptions = {
      onLink: (link) => {
        link.accept();
        link.session.connection.close({ condition: 'amqp:connection:forced', description: 'shutting down' });
      },
    };
    expect(await fairlead(['receive', 'a'], options, io)).toBe(1);
    expect(io.stderr()).toMatch(/FL_CLIENT_LOST: .* was lost: amqp:connection:forced: shutting down$/);
  });
});
