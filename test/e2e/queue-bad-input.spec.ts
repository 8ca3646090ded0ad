import { create_container, types, type Connection, type EventContext, type Receiver, type Sender } from 'rhea';
import { Mesh } from '../support/mesh';

const NODES = ['east', 'west'] as const;
const COORDINATOR = 0x30;
/** An amqp-value section with a discharge, list8 of a binary and false. */
const UNKNOWN_DISCHARGE = Buffer.concat([
  Buffer.from([0, 0x53, 0x77, 0, 0x53, 0x32, 0xc0, 8, 2, 0xa0, 4]),
  Buffer.from('none'),
  Buffer.from([0x42]),
]);

let mesh: Mesh;
beforeAll(async () => {
  const addresses = [{ match: 'jobs.#', kind: 'queue', home: 'east' }] as const;
  mesh = await (await Mesh.line(NODES, { document: { addresses: [...addresses] } })).start();
});

/** What a client library would not send, or not show. */
describe.each(NODES)('a client at %s of a queue at east', (node) => {
  let connection: Connection;
  beforeEach(() => {
    const { amqpPort: port } = mesh.node(node);
    connection = create_container().connect({ host: '127.0.0.1', port, username: 'anonymous', reconnect: false });
  });
  afterEach(async () => {
    const closed = new Promise((resolve) => connection.once('connection_close', resolve));
    connection.close();
    await closed;
  });

  const heard = <T>(link: Sender | Receiver, event: string, of: (context: EventContext) => T): Promise<T> =>
    new Promise((resolve) => link.once(event, (context: EventContext) => resolve(of(context))));

  it('is not told that a filter is served which is unknown, and is told of the one that is', async () => {
    const receiver = connection.open_receiver({
      source: {
        address: `jobs.${node}`,
        filter: {
          selector: types.wrap_described("colour = 'red'", 'apache.org:selector-filter:string'),
          unknown: types.wrap_described('whatever', 'example.org:unknown-filter:string'),
        } as never,
      },
      credit_window: 0,
    });
    const filter = await heard(receiver, 'receiver_open', () => receiver.source.filter as Record<string, unknown>);
    expect(Object.keys(filter)).toEqual(['selector']);
  });

  it('hears that a transaction which it discharges is unknown', async () => {
    // A coordinator is no terminus that rhea knows: it warns of the answer.
    const warned = jest.spyOn(console, 'warn').mockImplementation(() => undefined);
    const sender = connection.open_sender({ target: {} });
    (sender as unknown as { local: { attach: { target: unknown } } }).local.attach.target = types.wrap_described(
      [],
      COORDINATOR,
    );
    await heard(sender, 'sendable', () => undefined);
    const rejected = heard(
      sender,
      'rejected',
      ({ delivery }) => delivery?.remote_state as { error: { condition: string } },
    );
    sender.send(UNKNOWN_DISCHARGE, undefined, 0);
    expect((await rejected).error.condition).toBe('amqp:transaction:unknown-id');
    warned.mockRestore();
  });
});
