import { CONNECT_MS, FRAME_MS } from './limits';
import { FakePeer } from './stomp.fixture';

describe('CONNECT (STOMP 1.2, "Connecting")', () => {
  it.each([
    ['1.0,1.1,1.2', '1.2'],
    ['1.1, 1.0', '1.1'],
    ['1.0', '1.0'],
    ['2.0,1.1', '1.1'],
  ])('with accept-version %s speaks %s', (accepted, version) => {
    const peer = new FakePeer();
    peer.say('CONNECT', { 'accept-version': accepted, host: 'mesh' });
    const [answer] = peer.take();
    expect(answer).toMatchObject({ command: 'CONNECTED', headers: { version, server: 'fairlead/test' } });
    expect(answer?.headers['session']).toBeTruthy();
  });

  it('without accept-version speaks 1.0, and no heart-beats', () => {
    const peer = new FakePeer();
    peer.say('CONNECT', { login: 'a', passcode: 'b' });
    const [answer] = peer.take();
    expect(answer?.headers['version']).toBe('1.0');
    expect(answer?.headers['heart-beat']).toBeUndefined();
  });

  it('may be called STOMP, and end its lines with CR LF', () => {
    const peer = new FakePeer();
    peer.raw('STOMP\r\naccept-version:1.2\r\nhost:mesh\r\n\r\n\0\r\n');
    expect(peer.take()[0]).toMatchObject({ command: 'CONNECTED', headers: { version: '1.2' } });
  });

  it('with no common version is told which there are, and closed', () => {
    const peer = new FakePeer();
    peer.say('CONNECT', { 'accept-version': '3.0', host: 'mesh' });
    const [answer] = peer.take();
    expect(answer).toMatchObject({ command: 'ERROR', headers: { version: '1.0,1.1,1.2' } });
    expect(peer.stream.ended).toBe(true);
  });

  it.each([
    ['v11.stomp', '1.0,1.1,1.2', '1.1'],
    ['v12.stomp', '1.2', '1.2'],
    ['v10.stomp', '1.0', '1.0'],
  ])('over WebSocket with %s speaks that version', (subprotocol, accepted, version) => {
    const peer = new FakePeer(1_000, subprotocol);
    peer.say('CONNECT', { 'accept-version': accepted, host: 'mesh' });
    expect(peer.take()[0]?.headers['version']).toBe(version);
  });

  it('over WebSocket refuses a client that does not accept what its subprotocol says', () => {
    const peer = new FakePeer(1_000, 'v12.stomp');
    peer.say('CONNECT', { 'accept-version': '1.1', host: 'mesh' });
    expect(peer.take()[0]?.command).toBe('ERROR');
  });

  it.each([
    ['twice', (peer: FakePeer) => peer.say('CONNECT', { 'accept-version': '1.2' }), 'CONNECT for the second time'],
    ['after nothing else than SEND', null, 'SEND before CONNECT'],
  ])('%s is out of order', (_what, first, said) => {
    const peer = first === null ? new FakePeer() : FakePeer.connected();
    if (first === null) peer.say('SEND', { destination: '/topic/a' }, 'x');
    else first(peer);
    expect(peer.take()[0]).toMatchObject({ command: 'ERROR', headers: { message: `FL_STOMP_ORDER\\c ${said}` } });
    expect(peer.stream.ended).toBe(true);
  });
});

describe('time (STOMP 1.2, "Heart-beating")', () => {
  it('a connection without CONNECT is closed', () => {
    const peer = new FakePeer();
    peer.pass(CONNECT_MS - 1);
    expect(peer.stream.ended).toBe(false);
    peer.pass(1);
    expect(peer.take()[0]?.headers['message']).toContain('FL_STOMP_TIMEOUT');
    expect([peer.stream.ended, peer.deadlines.size]).toEqual([true, 0]);
  });

  it('a client that promised heart-beats and sends none is gone', () => {
    const peer = FakePeer.connected('1.2', { 'heart-beat': '20000,0' });
    peer.pass(39_000);
    peer.raw('\n');
    peer.pass(39_000);
    expect([peer.take(), peer.stream.ended]).toEqual([[], false]);
    peer.pass(1_000);
    expect(peer.take()[0]?.headers['message']).toContain('no heart-beat for 40 s');
  });

  it('a client is not gone because the node itself stood still', () => {
    const peer = FakePeer.connected('1.2', { 'heart-beat': '20000,0' });
    peer.nowMs += 60_000;
    peer.deadlines.look();
    peer.raw('\n');
    peer.deadlines.look();
    expect(peer.stream.ended).toBe(false);
  });

  it('a client that asked for heart-beats gets them, and none while it gets frames', () => {
    const peer = FakePeer.connected('1.1', { 'heart-beat': '0,2000' });
    peer.pass(1_300);
    expect(peer.bytes()).toHaveLength(0);
    peer.pass(100);
    expect(peer.bytes().toString()).toBe('\n');
    peer.pass(1_000);
    peer.say('SEND', { destination: '/topic/a', receipt: 'r' }, 'x');
    expect(peer.take()).toHaveLength(1);
    peer.pass(1_000);
    expect(peer.bytes()).toHaveLength(0);
  });

  it.each(['1', 'a,b', '-1,0', '1,2,3'])('heart-beat %s is none', (beat) => {
    const peer = new FakePeer();
    peer.say('CONNECT', { 'accept-version': '1.2', host: 'mesh', 'heart-beat': beat });
    expect(peer.take()[0]?.command).toBe('ERROR');
  });

  it.each([
    ['head', 'SEND\ndest', 'inat'],
    ['body', 'SEND\ndestination:/topic/a\n\nab', null],
  ])('a frame whose %s does not go on is not waited for', (_what, begin, drip) => {
    const peer = FakePeer.connected();
    peer.raw(begin);
    peer.pass(FRAME_MS - 1);
    if (drip !== null) peer.raw(drip);
    expect(peer.stream.ended).toBe(false);
    peer.pass(1);
    expect(peer.take()[0]?.headers['message']).toContain('a frame that does not go on');
  });

  it('a body that goes on is waited for', () => {
    const peer = FakePeer.connected();
    peer.raw('SEND\ndestination:/topic/a\n\nab');
    for (let n = 0; n < 10; n++) {
      peer.pass(FRAME_MS - 1);
      peer.raw('c');
    }
    peer.raw('\0');
    peer.pass(FRAME_MS);
    expect([peer.stream.ended, peer.addresses.publisher.published.length]).toEqual([false, 1]);
  });
});

describe('the end', () => {
  it('a cut connection gives back what it has', () => {
    const peer = FakePeer.connected();
    peer.say('SUBSCRIBE', { id: 's', destination: '/queue/a' });
    peer.stream.user.closed('cut');
    expect([peer.addresses.consumer.failed, peer.addresses.publisher.closed]).toEqual([true, true]);
    expect([peer.budget.links, peer.deadlines.size, peer.closings]).toEqual([0, 0, 1]);
  });

  it('of the node is told', () => {
    const peer = FakePeer.connected();
    peer.connection.shutdown();
    expect(peer.take()[0]?.headers['message']).toContain('FL_STOMP_SHUTDOWN');
    expect(peer.stream.ended).toBe(true);
  });

  it('while the node drains nothing new begins', () => {
    const peer = FakePeer.connected();
    peer.connection.drain();
    peer.say('SEND', { destination: '/topic/a', receipt: 'r' }, 'x');
    expect(peer.take()[0]?.command).toBe('RECEIPT');
    peer.say('SUBSCRIBE', { id: 's', destination: '/topic/a' });
    expect(peer.take()[0]?.headers['message']).toContain('FL_STOMP_SHUTDOWN');
  });
});
