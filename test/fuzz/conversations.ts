import { create_container, types, type Connection, type Receiver, type Sender } from 'rhea';
import { within } from '../support/eventually';
import { record, type Conversation } from './recorder';

interface Options {
  readonly username?: string;
  readonly password?: string;
  readonly max_frame_size?: number;
}

/** Something a client does over a fresh connection; resolved when it is done. */
type Talk = (connection: Connection, done: () => void) => void;

const BODY = 'x'.repeat(200);
const LARGE = Buffer.alloc(120_000, 0x61);

function publish(to: string | null, count: number, body: unknown, settled: boolean): Talk {
  return (connection, done) => {
    const target = { address: to ?? undefined };
    const sender = connection.open_sender({ target, snd_settle_mode: settled ? 1 : 0 });
    let sent = 0;
    let ended = 0;
    const finish = (): void => void (++ended === count && done());
    sender.on('sendable', () => {
      for (; sent < count && sender.sendable(); sent++) {
        sender.send({ to: 'topic/fuzz.relay', body, application_properties: { n: sent }, message_id: sent });
        if (settled) finish();
      }
    });
    for (const outcome of ['accepted', 'rejected', 'released', 'modified']) sender.on(outcome, finish);
  };
}

/** Receives its own messages, settling each in another way. */
function consume(address: string, count: number, rcvSettleMode: 0 | 1): Talk {
  return (connection, done) => {
    let got = 0;
    const receiver: Receiver = connection.open_receiver({
      source: { address },
      rcv_settle_mode: rcvSettleMode,
      autoaccept: false,
      credit_window: 5,
    });
    receiver.on('receiver_open', () => publish(address, count, BODY, false)(connection, () => undefined));
    receiver.on('message', ({ delivery }) => {
      const settle = [
        () => delivery?.accept(),
        () => delivery?.reject({ condition: 'app:no', description: 'not wanted' }),
        () => delivery?.release({ delivery_failed: true }),
        () => delivery?.modified({ undeliverable_here: true }),
      ];
      settle[got % settle.length]?.();
      if (++got === count) setImmediate(done);
    });
  };
}

const attachesAndDetaches: Talk = (connection, done) => {
  let closed = 0;
  for (let n = 0; n < 6; n++) {
    const link: Receiver | Sender =
      n % 2 === 0
        ? connection.open_receiver({ source: { address: `topic/fuzz.${n}.#`, dynamic: false } })
        : connection.open_sender({ target: { address: 'anycast/fuzz' } });
    link.on(n % 2 === 0 ? 'receiver_open' : 'sender_open', () => link.close());
    link.on(n % 2 === 0 ? 'receiver_close' : 'sender_close', () => void (++closed === 6 && done()));
  }
};

const sessions: Talk = (connection, done) => {
  let ended = 0;
  for (let n = 0; n < 4; n++) {
    const session = connection.create_session();
    session.on('session_open', () => session.close());
    session.on('session_close', () => void (++ended === 4 && done()));
    session.begin();
  }
};

const dynamicAndFiltered: Talk = (connection, done) => {
  connection.open_receiver({
    source: {
      address: '',
      dynamic: true,
      filter: { selector: types.wrap_described("a = 'b'", 'apache.org:selector-filter:string') },
      default_outcome: types.wrap_described([], 0x26),
      dynamic_node_properties: { 'lifetime-policy': types.wrap_described([], 0x2b), when: types.wrap_timestamp(1) },
    },
    properties: { ubyte: types.wrap_ubyte(1), long: types.wrap_long(-5), list: types.wrap_list([1, 'a']) },
  });
  connection.on('receiver_open', done);
};

const drained: Talk = (connection, done) => {
  const receiver = connection.open_receiver({ source: { address: 'topic/fuzz.drain' }, credit_window: 0 });
  receiver.on('receiver_open', () => {
    receiver.drain = true;
    receiver.add_credit(10);
  });
  receiver.on('receiver_drained', done);
};

const TALKS: readonly { readonly name: string; readonly talk: Talk; readonly options?: Options }[] = [
  { name: 'publish, unsettled', talk: publish('topic/fuzz.a', 20, BODY, false) },
  {
    name: 'publish, settled, with a password',
    talk: publish('topic/fuzz.a', 20, BODY, true),
    options: { username: 'u', password: 'p' },
  },
  {
    name: 'publish large messages in small frames',
    talk: publish('topic/fuzz.large', 2, LARGE, false),
    options: { max_frame_size: 1024 },
  },
  { name: 'anonymous relay', talk: publish(null, 10, BODY, false) },
  { name: 'consume, first', talk: consume('topic/fuzz.c', 12, 0) },
  { name: 'consume, second', talk: consume('multicast/fuzz', 12, 1) },
  { name: 'attach and detach', talk: attachesAndDetaches },
  { name: 'sessions', talk: sessions },
  { name: 'dynamic, filters, properties', talk: dynamicAndFiltered },
  { name: 'drain', talk: drained },
];

/** Conversations of a real client with the node, as it wrote them. */
export async function conversations(port: number): Promise<Conversation[]> {
  const recorded: Conversation[] = [];
  for (const { name, talk, options } of TALKS)
    recorded.push(
      await within(
        name,
        record(port, (relay) => converse(relay, talk, options ?? {})),
      ),
    );
  return recorded;
}

function converse(port: number, talk: Talk, options: Options): Promise<void> {
  return new Promise((resolve) => {
    const connection = create_container({ id: 'fuzz' }).connect({
      host: '127.0.0.1',
      port,
      reconnect: false,
      ...options,
    });
    connection.on('disconnected', () => resolve());
    connection.on('connection_close', () => resolve());
    connection.once('connection_open', () => talk(connection, () => connection.close()));
  });
}
