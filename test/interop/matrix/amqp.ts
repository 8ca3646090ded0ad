import { message as rhea, types } from 'rhea';
import { AmqpTyped } from '../../../src/amqp/codec/values';
import { decodeMessage } from '../../../src/message/decode-message';
import type { Message } from '../../../src/message/message';
import type { Client } from '../../support/clients/client';
import { startClient } from '../../support/clients/foreign-clients';
import { encodeMessage } from '../../support/clients/message';
import { RheaClient } from '../../support/clients/rhea-client';
import {
  atEnd,
  type Arrival,
  countOf,
  EVENT,
  eventOf,
  type Facts,
  FACTS,
  leftUntil,
  type MatrixClient,
  type Ports,
  type What,
} from './matrix-client';

/** Of the two spellings that the binding has the one that JMS can name. */
const propertyOf = (attribute: string): string => `cloudEvents_${attribute}`;

function applicationProperties(what: What): Record<string, unknown> {
  if (what === 'event')
    return Object.fromEntries(Object.entries(EVENT).map(([name, value]) => [propertyOf(name), value]));
  const count = (types as unknown as { wrap_int(value: number): unknown }).wrap_int(FACTS.count);
  return { region: FACTS.region, count };
}

function encoded(body: string, what: What): Buffer {
  return encodeMessage({
    durable: true,
    priority: FACTS.priority,
    ttl: FACTS.lifetimeMs,
    content_type: FACTS.contentType,
    correlation_id: FACTS.correlationId,
    reply_to: FACTS.replyTo,
    application_properties: applicationProperties(what),
    body: rhea.data_section(Buffer.from(body)),
  });
}

function bodyOf({ body }: Message): string {
  if (body.kind === 'data') return Buffer.concat(body.parts).toString();
  return body.kind === 'value' && typeof body.value === 'string' ? body.value : `a ${body.kind}`;
}

function factsOf({ header, properties, applicationProperties: given }: Message): Facts {
  const { contentType, correlationId, replyTo, absoluteExpiryTime } = properties ?? {};
  const told = Object.fromEntries([...(given ?? [])].map(([name, value]) => [String(name), value]));
  const { count, region } = told;
  return {
    contentType,
    correlationId: typeof correlationId === 'string' ? correlationId : undefined,
    replyTo,
    durable: header?.durable === true,
    priority: header?.priority ?? 4,
    lifetimeMs: header?.ttl ?? leftUntil(absoluteExpiryTime === undefined ? undefined : Number(absoluteExpiryTime)),
    region: typeof region === 'string' ? region : undefined,
    count: count instanceof AmqpTyped ? countOf(count.type, count.value) : undefined,
    event: eventOf(told, propertyOf),
  };
}

/** A client that takes and gives encoded messages here. */
function amqpClient(name: string, start: () => Promise<Client>, portOf: (ports: Ports) => number): MatrixClient {
  return {
    name,
    bodyAlone: false,
    contentTypes: true,
    replyTo: FACTS.replyTo,
    async publish(ports, address, body, what) {
      const client = await start();
      const connection = await client.connect(portOf(ports));
      const sender = await connection.openSender({ address });
      const { state } = await sender.send(encoded(body, what));
      if (state !== 'accepted') throw new Error(`${name}: ${state}`);
      await client.close();
    },
    async subscribe(ports, address) {
      const client = await start();
      atEnd(() => client.close());
      const connection = await client.connect(portOf(ports));
      const receiver = await connection.openReceiver({ address });
      const arrivals: Arrival[] = [];
      void (async () => {
        for (;;) {
          // It ends with the test's process.
          const delivery = await receiver.inbox.next(600_000);
          const message = decodeMessage(delivery.payload);
          arrivals.push({ body: bodyOf(message), facts: factsOf(message) });
          delivery.accept();
        }
      })().catch(() => undefined);
      return () => arrivals;
    },
  };
}

export const rheaTcp = amqpClient(
  'rhea',
  () => startClient('rhea'),
  ({ amqp }) => amqp,
);
export const proton = amqpClient(
  'proton',
  () => startClient('proton'),
  ({ amqp }) => amqp,
);
export const rheaWebSocket = amqpClient(
  'rhea over WebSocket',
  () => Promise.resolve(new RheaClient('websocket')),
  ({ web }) => web,
);
