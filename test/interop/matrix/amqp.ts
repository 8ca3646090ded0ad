import { message as rhea, types } from 'rhea';
import { AmqpTyped } from '../../../src/amqp/codec/values';
import { decodeMessage } from '../../../src/message/decode-message';
import type { Message } from '../../../src/message/message';
import { startClient } from '../../support/clients/foreign-clients';
import type { ClientName } from '../../support/clients/client';
import { encodeMessage } from '../../support/clients/message';
import { atEnd, type Arrival, type Facts, FACTS, type MatrixClient } from './matrix-client';

function encoded(body: string): Buffer {
  return encodeMessage({
    durable: true,
    content_type: FACTS.contentType,
    correlation_id: FACTS.correlationId,
    reply_to: FACTS.replyTo,
    application_properties: {
      region: FACTS.region,
      count: (types as unknown as { wrap_int(value: number): unknown }).wrap_int(FACTS.count),
    },
    body: rhea.data_section(Buffer.from(body)),
  });
}

function bodyOf({ body }: Message): string {
  if (body.kind === 'data') return Buffer.concat(body.parts).toString();
  return body.kind === 'value' && typeof body.value === 'string' ? body.value : `a ${body.kind}`;
}

function factsOf({ properties, applicationProperties }: Message): Facts {
  const { contentType, correlationId, replyTo } = properties ?? {};
  const count = applicationProperties?.get('count');
  const region = applicationProperties?.get('region');
  return {
    contentType,
    correlationId: typeof correlationId === 'string' ? correlationId : undefined,
    replyTo,
    region: typeof region === 'string' ? region : undefined,
    count: count instanceof AmqpTyped ? `${count.type} ${String(count.value as number)}` : undefined,
  };
}

/** rhea, and qpid-proton, which takes and gives encoded messages here. */
export function amqpClient(name: ClientName): MatrixClient {
  return {
    name,
    bodyAlone: false,
    replyTo: FACTS.replyTo,
    async publish(ports, address, body) {
      const client = await startClient(name);
      const connection = await client.connect(ports.amqp);
      const sender = await connection.openSender({ address });
      const { state } = await sender.send(encoded(body));
      if (state !== 'accepted') throw new Error(`${name}: ${state}`);
      await client.close();
    },
    async subscribe(ports, address) {
      const client = await startClient(name);
      atEnd(() => client.close());
      const connection = await client.connect(ports.amqp);
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
