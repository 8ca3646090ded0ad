import type { StompConnection } from '../../support/clients/stomp-client';
import { StompPyConnection } from '../../support/clients/stomp-py-client';
import { StompitConnection } from '../../support/clients/stompit-client';
import {
  atEnd,
  type Arrival,
  countOf,
  EVENT,
  eventOf,
  FACTS,
  leftUntil,
  type MatrixClient,
  type Ports,
  type What,
} from './matrix-client';

const REPLY_TO = '/queue/answers';

const attributeHeader = (attribute: string): string => `cloudEvents_${attribute}`;

const OF_WHAT: Readonly<Record<What, Readonly<Record<string, string>>>> = {
  properties: { region: FACTS.region, count: String(FACTS.count), 'fairlead-type-count': 'int' },
  event: Object.fromEntries(Object.entries(EVENT).map(([name, value]) => [attributeHeader(name), value])),
};

function headersOf(what: What): Record<string, string> {
  return {
    'content-type': FACTS.contentType,
    'correlation-id': FACTS.correlationId,
    'reply-to': REPLY_TO,
    persistent: 'true',
    priority: String(FACTS.priority),
    expires: String(Date.now() + FACTS.lifetimeMs),
    ...OF_WHAT[what],
  };
}

function arrivalsOf({ frames }: StompConnection): readonly Arrival[] {
  return frames
    .filter(({ command }) => command === 'MESSAGE')
    .map(({ headers, body }) => ({
      body: body.toString(),
      facts: {
        contentType: headers['content-type'],
        correlationId: headers['correlation-id'],
        replyTo: headers['reply-to'],
        durable: headers['persistent'] === 'true',
        priority: Number(headers['priority'] ?? 4),
        lifetimeMs:
          headers['expires'] === undefined
            ? textNumber(headers['fairlead-ttl'])
            : leftUntil(Number(headers['expires'])),
        region: headers['region'],
        count: countOf(headers['fairlead-type-count'], headers['count']),
        event: eventOf(headers, attributeHeader),
      },
    }));
}

function textNumber(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}

function stompClient(name: string, connect: (ports: Ports) => Promise<StompConnection>): MatrixClient {
  return {
    name,
    bodyAlone: false,
    contentTypes: true,
    replyTo: REPLY_TO,
    async publish(ports, address, body, what) {
      const connection = await connect(ports);
      await connection.send(`/${address}`, body, headersOf(what));
      await connection.disconnect();
    },
    async subscribe(ports, address) {
      const connection = await connect(ports);
      atEnd(() => connection.disconnect());
      await connection.subscribe('matrix', `/${address}`);
      return () => arrivalsOf(connection);
    },
  };
}

export const stompit = stompClient('stompit', ({ stomp }) => StompitConnection.connect(stomp, '1.2'));
export const stompitWebSocket = stompClient('stompit over WebSocket', ({ web }) =>
  StompitConnection.connectWebSocket(web, '1.2'),
);
export const stompPy = stompClient('stomp.py', ({ stomp }) => StompPyConnection.connect(stomp, '1.2'));
