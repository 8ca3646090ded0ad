import * as fc from 'fast-check';
import { encodeSasl } from '../codec/performatives';
import { CONDITION } from '../constants';
import { Pair, Recorder } from '../pair.fixture';
import { frame, performative, RawPeer, uint } from '../raw-peer.fixture';
import { anonymousClient, anonymousServer, plainClient, plainServer, type CheckPassword } from './mechanisms';
import { ClientNegotiation, ServerNegotiation } from './negotiation';

const SASL_HEADER = Buffer.from('AMQP\x03\x01\x00\x00', 'latin1');
const AMQP_HEADER = Buffer.from('AMQP\x00\x01\x00\x00', 'latin1');
const INIT = { type: 'sasl-init', mechanism: 'PLAIN', hostname: null } as const;

function sasl(body: Buffer): Buffer {
  return frame(0, body, body.length + 8, 2, 1);
}

function init(user: string, password: string, identity = ''): Buffer {
  return sasl(encodeSasl({ ...INIT, initialResponse: Buffer.from(`${identity}\0${user}\0${password}`) }));
}

/** A server whose passwords are checked now, or when `decide` is called. */
function server(later = false) {
  const recorder = new Recorder();
  const asked: ((granted: boolean) => void)[] = [];
  const check: CheckPassword = (user, password, done) => {
    if (later) asked.push(done);
    else done(user === 'u' && password === 'p');
  };
  const mechanisms = [anonymousServer(), plainServer(check)];
  const peer = new RawPeer(recorder, { sasl: new ServerNegotiation(mechanisms, true) });
  return { peer, recorder, decide: (granted: boolean) => asked.shift()?.(granted) };
}

describe('SASL (part 5.3)', () => {
  it('5.3.2 lets in whom the mechanism lets in, and knows the user', () => {
    const { peer } = server();
    peer.send(SASL_HEADER, init('u', 'p'), AMQP_HEADER).say('open', ['c']);
    expect([peer.connection.opened, peer.connection.user]).toEqual([true, 'u']);
  });

  it('5.3.2 takes everything in one piece, as clients that do not wait send it, and byte by byte', () => {
    const all = Buffer.concat([SASL_HEADER, init('u', 'p'), AMQP_HEADER, frame(0, performative('open', ['c']))]);
    for (const step of [all.length, 1]) {
      const { peer } = server();
      for (let at = 0; at < all.length; at += step) peer.send(Buffer.from(all.subarray(at, at + step)));
      expect(peer.connection.opened).toBe(true);
    }
  });

  it('5.3.2 what comes behind a step whose answer takes time waits for it, and is not read meanwhile', () => {
    const { peer, decide } = server(true);
    const begin = performative('begin', [null, uint(0), uint(9), uint(9)]);
    peer.send(SASL_HEADER, Buffer.concat([init('u', 'p'), AMQP_HEADER, frame(0, performative('open', ['c']))]));
    peer.send(frame(0, begin));
    expect([peer.paused, peer.connection.opened]).toEqual([true, false]);
    decide(true);
    expect([peer.paused, peer.connection.opened]).toEqual([false, true]);
    expect([...peer.connection.sessions()]).toHaveLength(1);
  });

  it('5.3.2 a late refusal ends the connection; what had been sent meanwhile is never looked at', () => {
    const { peer, recorder, decide } = server(true);
    peer.send(SASL_HEADER, init('u', 'p'), AMQP_HEADER);
    decide(false);
    peer.turn();
    expect([peer.ended, peer.connection.opened, recorder.errors[0]?.condition]).toEqual([
      true,
      false,
      CONDITION.unauthorized,
    ]);
  });

  it('5.3.2 gives up an exchange that is never answered, like any slow handshake', () => {
    const { peer, recorder } = server(true);
    peer.send(SASL_HEADER, init('u', 'p'));
    peer.time = 5_000;
    peer.connection.tick();
    expect([peer.ended, recorder.errors[0]?.condition]).toEqual([true, CONDITION.limit]);
  });

  it.each([
    ['a wrong password', [init('u', 'x')], CONDITION.unauthorized],
    [
      'a response in two parts',
      [sasl(encodeSasl({ ...INIT, initialResponse: Buffer.from('u\0p') }))],
      CONDITION.unauthorized,
    ],
    ['another identity than the user', [init('u', 'p', 'root')], CONDITION.unauthorized],
    ['a user name of 300 bytes', [init('u'.repeat(300), 'p')], CONDITION.unauthorized],
    [
      'a mechanism that is not offered',
      [sasl(encodeSasl({ ...INIT, mechanism: 'LOGIN', initialResponse: null }))],
      CONDITION.unauthorized,
    ],
    [
      'a response before init',
      [sasl(encodeSasl({ type: 'sasl-response', response: Buffer.alloc(0) }))],
      CONDITION.framing,
    ],
    [
      'an outcome of the client',
      [sasl(encodeSasl({ type: 'sasl-outcome', code: 0, additionalData: null }))],
      CONDITION.framing,
    ],
    ['an AMQP frame', [frame(0, performative('open', ['c']))], CONDITION.framing],
    ['init without a mechanism', [sasl(Buffer.from('00534145', 'hex'))], CONDITION.decode],
    ['an unknown frame', [sasl(Buffer.from('00537745', 'hex'))], CONDITION.decode],
    ['an empty frame', [sasl(Buffer.alloc(0))], CONDITION.decode],
    [
      'a frame of 9,000 bytes',
      [sasl(encodeSasl({ ...INIT, initialResponse: Buffer.alloc(9_000) }))],
      CONDITION.framing,
    ],
    ['plain AMQP where SASL is required', [AMQP_HEADER], CONDITION.framing],
  ])('5.3.2 %s ends the connection', (_what, chunks, condition) => {
    const { peer, recorder } = server();
    if (chunks[0] !== AMQP_HEADER) peer.send(SASL_HEADER);
    peer.send(...chunks, AMQP_HEADER, frame(0, performative('open', ['c'])));
    expect([peer.ended, peer.connection.opened]).toEqual([true, false]);
    expect(recorder.errors.map(({ condition }) => condition)).toEqual([condition]);
  });

  it('5.3.3 asks a client of PLAIN without an initial response for it', () => {
    const { peer } = server();
    peer.send(SASL_HEADER, sasl(encodeSasl({ ...INIT, initialResponse: null })));
    peer
      .send(sasl(encodeSasl({ type: 'sasl-response', response: Buffer.from('\0u\0p') })), AMQP_HEADER)
      .say('open', ['c']);
    expect(peer.connection.opened).toBe(true);
  });

  it('5.3 both sides of ours understand each other, whatever the chunks', () => {
    fc.assert(
      fc.property(fc.boolean(), fc.boolean(), fc.integer({ min: 1, max: 40 }), (anonymous, right, chunkBytes) => {
        const client = anonymous ? anonymousClient() : plainClient('u', right ? 'p' : 'x');
        const mechanisms = [anonymousServer(), plainServer((u, p, done) => done(u === 'u' && p === 'p'))];
        const pair = new Pair(
          new Recorder(),
          new Recorder(),
          { sasl: new ClientNegotiation(client, 'host') },
          { sasl: new ServerNegotiation(mechanisms, true) },
          chunkBytes,
        );
        pair.run();
        expect(pair.client.opened).toBe(anonymous || right);
      }),
      { numRuns: 60 },
    );
  });
});
