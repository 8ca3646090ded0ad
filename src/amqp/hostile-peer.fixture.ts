import type { ConnectionOptions } from './connection';
import type { AmqpError } from './errors';
import type { Link } from './link';
import { Inbox, Recorder } from './pair.fixture';
import { RawPeer, uint } from './raw-peer.fixture';
import { ReceiverLink } from './receiver-link';

export interface Hostile {
  readonly peer: RawPeer;
  readonly server: Recorder;
  readonly inbox: Inbox;
}

export function start(options: Partial<ConnectionOptions> = {}, credit = 2): Hostile {
  const inbox = new Inbox();
  const server = new Recorder((link: Link) => {
    link.accept({ maxMessageSize: 1_000 });
    if (!(link instanceof ReceiverLink)) return;
    link.handler = inbox;
    link.addCredit(credit);
  });
  return { peer: new RawPeer(server, options), server, inbox };
}

/** Opened, with a session, a link on which the peer sends (handle 0) and one on which it receives (handle 1). */
export function attached(options: Partial<ConnectionOptions> = {}, credit?: number): Hostile {
  const hostile = start(options, credit);
  hostile.peer.open().begin().attach(0, true).attach(1, false).seen();
  return hostile;
}

export function last(server: Recorder): AmqpError {
  const error = server.errors.at(-1);
  if (error === undefined) throw new Error('no error was reported');
  return error;
}

/** The connection is closed with the condition; it is reported once. */
export function expectClosed({ peer, server }: Hostile, condition: string): void {
  expect(peer.conditionOf('close')).toBe(condition);
  expect(server.errors.map(({ condition, scope }) => [condition, scope])).toEqual([[condition, 'connection']]);
  expect(peer.ended).toBe(true);
}

/** The session is ended with the condition; the connection goes on. */
export function expectEnded({ peer, server }: Hostile, condition: string): void {
  const seen = peer.seen();
  expect(peer.conditionOf('end', seen)).toBe(condition);
  expect(seen.map(({ name }) => name)).not.toContain('close');
  expect([last(server).condition, last(server).scope]).toEqual([condition, 'session']);
  peer.say('end', []);
  expect(peer.begin().names()).toEqual(['begin']);
}

/** The link is detached with the condition; its session goes on, and takes a transfer on another link. */
export function expectDetached({ peer, server, inbox }: Hostile, condition: string): void {
  const seen = peer.seen();
  expect(peer.conditionOf('detach', seen)).toBe(condition);
  expect(seen.map(({ name }) => name)).not.toContain('end');
  expect([last(server).condition, last(server).scope]).toEqual([condition, 'link']);
  const before = inbox.deliveries.length;
  peer.say('detach', [uint(0), true]);
  expect(peer.attach(0, true, { name: 'again' }).names()).toEqual(['attach', 'flow']);
  expect(before).toBe(inbox.deliveries.length);
}
