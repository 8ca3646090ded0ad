import type { StompConnection, StompHeaders } from '../support/clients/stomp-client';
import { hasStompPy, StompPyConnection } from '../support/clients/stomp-py-client';
import { StompWire } from '../support/clients/stomp-wire';
import { StompitConnection } from '../support/clients/stompit-client';
import { eventually } from '../support/eventually';
import { freePort } from '../support/free-ports';
import { Mesh } from '../support/mesh';

jest.setTimeout(180_000);

type Name = 'east' | 'west';
type Connect = (port: number, version: string, headers?: StompHeaders) => Promise<StompConnection>;

const stompit: Connect = (...args) => StompitConnection.connect(...args);
const stompPy: Connect = (...args) => StompPyConnection.connect(...args);
const CLIENTS: readonly (readonly [string, string, Connect])[] = [
  ['stompit', '1.2', stompit],
  ['stompit', '1.1', stompit],
  ['stompit', '1.0', stompit],
  ...(hasStompPy
    ? ([
        ['stomp.py', '1.2', stompPy],
        ['stomp.py', '1.1', stompPy],
        ['stomp.py', '1.0', stompPy],
      ] as const)
    : []),
];

let mesh: Mesh;

beforeAll(async () => {
  const listeners = async () => [
    { name: 'stomp', protocol: 'stomp' as const, port: await freePort() },
    { name: 'amqp', protocol: 'amqp' as const, port: await freePort() },
  ];
  mesh = await Mesh.line(['east', 'west'], {
    document: {
      addresses: [
        { match: 'news.#', kind: 'topic' },
        { match: 'jobs.#', kind: 'queue', home: 'east' },
        { match: 'poison.#', kind: 'queue', home: 'east', maxDeliveries: 2, deadLetter: 'queue/dlq' },
        { match: 'full.#', kind: 'queue', home: 'east', maxDepth: 1 },
        { match: 'dlq', kind: 'queue', home: 'east' },
      ],
    },
    documents: { east: { listeners: await listeners() }, west: { listeners: await listeners() } },
  });
  await mesh.start();
});

const portOf = (node: Name): number => mesh.node(node).port('stomp');

describe.each(CLIENTS)('%s of version %s, between two sites', (client, version, connect) => {
  const open: StompConnection[] = [];
  let scenes = 0;
  let name = '';

  const at = async (node: Name, headers: StompHeaders = {}): Promise<StompConnection> => {
    const connection = await connect(portOf(node), version, headers);
    open.push(connection);
    return connection;
  };

  beforeEach(() => (name = `${client.replace('.', '')}-${version.replace('.', '')}-${++scenes}`));
  afterEach(() => open.splice(0).forEach((connection) => connection.destroy()));

  it('gets from a topic what is sent to it, body and headers', async () => {
    const [reader, writer] = [await at('west'), await at('east')];
    await reader.subscribe('s', `/topic/news.${name}.#`);
    const body = Buffer.from('grüße, with a NUL \0 and\na line');
    await writer.send(`/topic/news.${name}.new`, body, {
      'content-type': 'text/plain;charset=utf-8',
      'correlation-id': 'c-1',
      priority: '7',
      persistent: 'true',
      colour: 'red',
    });
    const message = await reader.next();
    expect(message.body).toEqual(body);
    expect(message.headers).toMatchObject({
      destination: `/topic/news.${name}.new`,
      subscription: 's',
      'content-type': 'text/plain;charset=utf-8',
      'correlation-id': 'c-1',
      priority: '7',
      persistent: 'true',
      colour: 'red',
      'content-length': String(body.length),
    });
  });

  it('gives headers their escapes, where its version has some', async () => {
    const [reader, writer] = [await at('west'), await at('east')];
    await reader.subscribe('s', `/topic/news.${name}`);
    const odd = version === '1.0' ? 'a:b' : 'a:b\\c\nd';
    await writer.send(`/topic/news.${name}`, 'x', { odd });
    expect((await reader.next()).headers['odd']).toBe(odd);
  });

  it('takes from a queue with acknowledgements of its own', async () => {
    const [reader, writer] = [await at('west'), await at('east')];
    for (const body of ['1', '2', '3']) await writer.send(`/queue/jobs.${name}`, body, { persistent: 'true' });
    await reader.subscribe('s', `/queue/jobs.${name}`, { ack: 'client' });
    const messages = await reader.take(3);
    expect(messages.map(({ body }) => String(body))).toEqual(['1', '2', '3']);
    await reader.answer('ACK', messages[1] as (typeof messages)[0]);
    reader.destroy();
    const next = await at('east');
    await next.subscribe('s', `/queue/jobs.${name}`, { ack: 'client' });
    expect(String((await next.next()).body)).toBe('3');
    expect(next.untaken).toBe(0);
  });

  it('streams large bodies both ways', async () => {
    const [reader, writer] = [await at('west'), await at('east')];
    await reader.subscribe('s', `/queue/jobs.${name}`, { ack: 'client' });
    // stomp.py looks at all of it again with each packet.
    const body = Buffer.alloc(client === 'stompit' ? 3_000_000 : 300_000, 'large body\0');
    await writer.send(`/queue/jobs.${name}`, body);
    const message = await reader.next();
    expect(message.body.equals(body)).toBe(true);
    await reader.answer('ACK', message);
  });

  it('commits and aborts transactions', async () => {
    const [reader, writer] = [await at('west'), await at('east')];
    await reader.subscribe('s', `/queue/jobs.${name}`);
    await writer.ask('BEGIN', { transaction: 'no' });
    await writer.send(`/queue/jobs.${name}`, 'aborted', { transaction: 'no' });
    await writer.ask('ABORT', { transaction: 'no' });
    await writer.ask('BEGIN', { transaction: 'yes' });
    await writer.send(`/queue/jobs.${name}`, 'committed', { transaction: 'yes' });
    await writer.send(`/queue/jobs.${name}`, 'too', { transaction: 'yes' });
    expect(reader.untaken).toBe(0);
    await writer.ask('COMMIT', { transaction: 'yes' });
    expect((await reader.take(2)).map(({ body }) => String(body))).toEqual(['committed', 'too']);
  });

  it('finds what it missed in its durable subscription, at the other site too', async () => {
    const durable = { 'durable-subscription-name': 'inbox' };
    const as = { 'client-id': name };
    const first = await at('west', as);
    await first.subscribe('s', `/topic/news.${name}`, durable);
    await first.disconnect();
    const writer = await at('east');
    await writer.send(`/topic/news.${name}`, 'missed', { persistent: 'true' });
    const again = await at('east', as);
    await again.subscribe('s', `/topic/news.${name}`, durable);
    expect(String((await again.next()).body)).toBe('missed');
  });

  it('asks and is answered by a temporary queue', async () => {
    const [asker, server] = [await at('west'), await at('east')];
    await server.subscribe('s', `/queue/jobs.${name}`);
    await asker.subscribe('a', '/temp-queue/answers');
    await asker.send(`/queue/jobs.${name}`, 'question', { 'reply-to': '/temp-queue/answers', 'correlation-id': 'q1' });
    const { headers, body } = await server.next();
    expect(String(body)).toBe('question');
    expect(headers['reply-to']).toMatch(/^\/queue\/fairlead\.temp\./);
    await server.send(headers['reply-to'] ?? '', 'answer', { 'correlation-id': headers['correlation-id'] ?? '' });
    const answer = await asker.next();
    expect(String(answer.body)).toBe('answer');
    expect(answer.headers).toMatchObject({ destination: '/temp-queue/answers', 'correlation-id': 'q1' });
  });
});

describe('STOMP by hand, between two sites', () => {
  const open: StompWire[] = [];
  let scenes = 0;
  let name = '';

  const at = async (node: Name, version = '1.2', headers: StompHeaders = {}): Promise<StompWire> => {
    const wire = await StompWire.connect(portOf(node), version, headers);
    open.push(wire);
    return wire;
  };

  beforeEach(() => (name = `wire-${++scenes}`));
  afterEach(() => open.splice(0).forEach((wire) => wire.destroy()));

  it('NACK has a message delivered again, marked so, until it is a dead letter', async () => {
    const [reader, writer, dead] = [await at('west'), await at('east'), await at('west')];
    await writer.send(`/queue/poison.${name}`, 'bad');
    await reader.subscribe('s', `/queue/poison.${name}`, { ack: 'client-individual' });
    const first = await reader.next();
    expect(first.headers['redelivered']).toBeUndefined();
    await reader.answer('NACK', first);
    const second = await reader.next();
    expect(second.headers['redelivered']).toBe('true');
    await reader.answer('NACK', second);
    await dead.subscribe('s', '/queue/dlq', { ack: 'client-individual' });
    const letter = await dead.next();
    expect(String(letter.body)).toBe('bad');
    await dead.answer('ACK', letter);
    expect(reader.untaken).toBe(0);
  });

  it('NACK without requeue makes a dead letter at once', async () => {
    const [reader, writer, dead] = [await at('west'), await at('east'), await at('east')];
    await writer.send(`/queue/poison.${name}`, 'worse');
    await reader.subscribe('s', `/queue/poison.${name}`, { ack: 'client-individual' });
    await reader.answer('NACK', await reader.next(), { requeue: 'false' });
    await dead.subscribe('s', '/queue/dlq', { ack: 'client-individual' });
    const letter = await dead.next();
    expect(String(letter.body)).toBe('worse');
    await dead.answer('ACK', letter);
  });

  it('an ACK within a transaction counts from its COMMIT, and not after an ABORT', async () => {
    const [reader, writer] = [await at('east'), await at('east')];
    for (const body of ['1', '2']) await writer.send(`/queue/jobs.${name}`, body);
    await reader.subscribe('s', `/queue/jobs.${name}`, { ack: 'client-individual' });
    const [first, second] = await reader.take(2);
    if (first === undefined || second === undefined) throw new Error('two were taken');
    await reader.ask('BEGIN', { transaction: 'a' });
    await reader.answer('ACK', first, { transaction: 'a' });
    await reader.ask('COMMIT', { transaction: 'a' });
    await reader.ask('BEGIN', { transaction: 'b' });
    await reader.answer('ACK', second, { transaction: 'b' });
    await reader.ask('ABORT', { transaction: 'b' });
    const again = await reader.next();
    expect([String(again.body), again.headers['redelivered']]).toEqual(['2', 'true']);
  });

  it('a selector selects, at a queue and at a topic', async () => {
    const [reader, writer] = [await at('west'), await at('east')];
    for (const [id, address] of [
      ['q', `/queue/jobs.${name}`],
      ['t', `/topic/news.${name}`],
    ] as const) {
      await reader.subscribe(id, address, { selector: "colour = 'red' AND JMSPriority > 4" });
      await writer.send(address, 'no', { colour: 'blue', priority: '9' });
      await writer.send(address, 'yes', { colour: 'red', priority: '9' });
      const message = await reader.next();
      expect([message.headers['subscription'], String(message.body)]).toEqual([id, 'yes']);
    }
  });

  it('browse leaves in a queue what it looks at', async () => {
    const [reader, writer] = [await at('west'), await at('east')];
    await writer.send(`/queue/jobs.${name}`, 'stays');
    await reader.subscribe('b', `/queue/jobs.${name}`, { browser: 'true' });
    expect(String((await reader.next()).body)).toBe('stays');
    await reader.subscribe('s', `/queue/jobs.${name}`);
    expect((await reader.next()).headers['subscription']).toBe('s');
  });

  it('what has expired is not delivered, and the more urgent comes first', async () => {
    const [reader, writer] = [await at('west'), await at('east')];
    await writer.send(`/queue/jobs.${name}`, 'expired', { expires: String(Date.now() - 1_000) });
    await writer.send(`/queue/jobs.${name}`, 'patient', { priority: '1', expires: String(Date.now() + 600_000) });
    await writer.send(`/queue/jobs.${name}`, 'urgent', { priority: '9' });
    await reader.subscribe('s', `/queue/jobs.${name}`);
    expect((await reader.take(2)).map(({ body }) => String(body))).toEqual(['urgent', 'patient']);
  });

  it('answers to a temporary queue come without a subscription, as RabbitMQ has it', async () => {
    const [asker, server] = [await at('west'), await at('east')];
    await server.subscribe('s', `/queue/jobs.${name}`);
    await asker.send(`/queue/jobs.${name}`, 'question', { 'reply-to': '/temp-queue/mine' });
    await server.send((await server.next()).headers['reply-to'] ?? '', 'answer');
    expect(await asker.next()).toMatchObject({ headers: { subscription: '/temp-queue/mine' } });
  });

  it('a durable subscription is ended by an UNSUBSCRIBE that names it', async () => {
    const as = { 'client-id': name };
    const durable = { 'activemq.subscriptionName': 'inbox' };
    const [reader, writer] = [await at('west', '1.2', as), await at('east')];
    await reader.subscribe('s', `/topic/news.${name}`, durable);
    await reader.ask('UNSUBSCRIBE', { id: 's', ...durable });
    await writer.send(`/topic/news.${name}`, 'for nobody');
    await reader.subscribe('s', `/topic/news.${name}`, durable);
    await writer.send(`/topic/news.${name}`, 'for it');
    expect(String((await reader.next()).body)).toBe('for it');
  });

  it('a SEND that a queue has no room for is an ERROR with its receipt', async () => {
    const writer = await at('west');
    await writer.send(`/queue/full.${name}`, 'fits');
    writer.tell('SEND', { destination: `/queue/full.${name}`, receipt: 'r' }, 'does not');
    expect((await writer.error()).headers).toMatchObject({ 'receipt-id': 'r' });
    await eventually('the connection ends', () => writer.closed);
  });

  it('every kind of frame is answered by its receipt', async () => {
    const wire = await at('east');
    await wire.subscribe('s', `/queue/jobs.${name}`, { ack: 'client-individual' });
    await wire.ask('BEGIN', { transaction: 't' });
    await wire.send(`/queue/jobs.${name}`, 'a', { transaction: 't' });
    await wire.ask('COMMIT', { transaction: 't' });
    await wire.answer('NACK', await wire.next());
    await wire.answer('ACK', await wire.next());
    await wire.ask('BEGIN', { transaction: 'u' });
    await wire.ask('ABORT', { transaction: 'u' });
    await wire.ask('UNSUBSCRIBE', { id: 's' });
    await wire.ask('DISCONNECT');
    await eventually('the connection ends', () => wire.closed);
  });
});
