import type { ConnectionOptions } from './connection';
import { Inbox, Outbox, Recorder } from './pair.fixture';
import { RawPeer, uint } from './raw-peer.fixture';
import { ReceiverLink } from './receiver-link';
import type { SenderLink } from './sender-link';

export function bytes(length: number, fill = 1): Buffer {
  return Buffer.alloc(length, fill);
}

/** A raw peer that receives on one link with this much credit. */
export function receivingPeer(credit: number, options: Partial<ConnectionOptions> = {}, window = 1_000) {
  const outbox = new Outbox();
  const server = new Recorder((link) => {
    (link as SenderLink).handler = outbox;
    link.accept();
  });
  const peer = new RawPeer(server, options);
  peer.open(null, uint(512)).begin(0, window).attach(0, false);
  const flow = (more: {
    next?: number;
    window?: number;
    count?: number;
    credit?: number | null;
    drain?: boolean;
    echo?: boolean;
  }) =>
    peer.say('flow', [
      uint(more.next ?? 0),
      uint(more.window ?? window),
      uint(0),
      uint(100),
      uint(0),
      uint(more.count ?? 0),
      more.credit === null ? null : uint(more.credit ?? credit),
      null,
      more.drain ?? false,
      more.echo ?? false,
    ]);
  flow({}).seen();
  return { peer, server, outbox, flow, sender: server.links[0] as SenderLink };
}

/** A raw peer that sends on one link. */
export function sendingPeer(credit: number, options: Partial<ConnectionOptions> = {}) {
  const inbox = new Inbox();
  const server = new Recorder((link) => {
    link.accept();
    if (!(link instanceof ReceiverLink)) return;
    link.handler = inbox;
    link.addCredit(credit);
  });
  const peer = new RawPeer(server, options);
  peer.open().begin().attach(0, true);
  return { peer, server, inbox, receiver: server.links[0] as ReceiverLink };
}
