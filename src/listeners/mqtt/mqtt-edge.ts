import type { ByteStream } from '../../transport/byte-stream';
import type { EdgeConnection, EdgePort, EdgeProtocol } from '../edge/edge-protocol';
import type { MqttEdgeOptions, MqttNode } from './client-options';
import { keptAccounts } from './kept-bytes';
import { LeftPublishes } from './left-publishes';
import { MqttClient } from './mqtt-client';
import { SubscribeTurns } from './subscribe-turns';
import { SystemTopics } from './system-topics';
import { TopicNames } from './topic-writer';
import { Topics } from './topics';
import { MqttTotals } from './totals';

/** MQTT 3.1.1 and 5 for clients; over WebSocket packets are binary messages, cut as the client likes ([MQTT-6.0.0-1] to [MQTT-6.0.0-4]). */
export class MqttEdge implements EdgeProtocol {
  readonly subprotocols = ['mqtt'];
  readonly text = false;
  readonly totals = new MqttTotals();
  readonly #node: MqttNode;

  constructor(options: MqttEdgeOptions) {
    const { addresses } = options;
    const { totals } = this;
    const system = new SystemTopics({ ...options, totals });
    const turns = new SubscribeTurns(options.queue);
    const kept = keptAccounts(options.budget);
    const left = new LeftPublishes();
    this.#node = {
      ...options,
      topics: new Topics(addresses),
      names: new TopicNames(),
      totals,
      system,
      turns,
      kept,
      left,
    };
  }

  open(stream: ByteStream, port: EdgePort): EdgeConnection {
    return new MqttClient(stream, port, this.#node);
  }
}
