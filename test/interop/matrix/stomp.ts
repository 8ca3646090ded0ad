import type { StompConnection } from '../../support/clients/stomp-client';
import { StompPyConnection } from '../../support/clients/stomp-py-client';
import { StompitConnection } from '../../support/clients/stompit-client';
import { atEnd, type Arrival, FACTS, type MatrixClient } from './matrix-client';

const REPLY_TO = '/queue/answers';

const HEADERS = {
  'content-type': FACTS.contentType,
  'correlation-id': FACTS.correlationId,
  'reply-to': REPLY_TO,
  region: FACTS.region,
  count: String(FACTS.count),
  'fairlead-type-count': 'int',
};

function arrivalsOf({ frames }: StompConnection): readonly Arrival[] {
  return frames
    .filter(({ command }) => command === 'MESSAGE')
    .map(({ headers, body }) => ({
      body: body.toString(),
      facts: {
        contentType: headers['content-type'],
        correlationId: headers['correlation-id'],
        replyTo: headers['reply-to'],
        region: headers['region'],
        count: `${headers['fairlead-type-count']} ${headers['count']}`,
      },
    }));
}

function stompClient(name: string, connect: (port: number) => Promise<StompConnection>): MatrixClient {
  return {
    name,
    bodyAlone: false,
    replyTo: REPLY_TO,
    async publish(ports, address, body) {
      const connection = await connect(ports.stomp);
      await connection.send(`/${address}`, body, HEADERS);
      await connection.disconnect();
    },
    async subscribe(ports, address) {
      const connection = await connect(ports.stomp);
      atEnd(() => connection.disconnect());
      await connection.subscribe('matrix', `/${address}`);
      return () => arrivalsOf(connection);
    },
  };
}

export const stompit = stompClient('stompit', (port) => StompitConnection.connect(port, '1.2'));
export const stompPy = stompClient('stomp.py', (port) => StompPyConnection.connect(port, '1.2'));
