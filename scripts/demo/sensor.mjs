import { connectAsync } from 'mqtt';

const TOPIC = 'sensors/hall/temperature';

/** A device: an MQTT client at the laptop that publishes with QoS 1. */
export class Sensor {
  #client;
  #flow;
  #number = 0;
  /** Readings that are not acknowledged. */
  pending = 0;

  constructor(client, flow) {
    this.#client = client;
    this.#flow = flow;
  }

  static async open(port, flow, onLost) {
    const options = { clientId: 'demo-sensor', protocolVersion: 5, reconnectPeriod: 0 };
    const client = await connectAsync(`mqtt://127.0.0.1:${port}`, options);
    client.on('error', onLost);
    client.on('close', () => onLost(new Error('the connection of the sensor ended')));
    return new Sensor(client, flow);
  }

  async publish() {
    const number = this.#number++;
    this.#flow.expect(number);
    this.pending++;
    const reading = JSON.stringify({ number, address: TOPIC, at: performance.now() });
    try {
      const properties = { contentType: 'application/json' };
      await this.#client.publishAsync(TOPIC, reading, { qos: 1, properties });
    } catch (error) {
      this.#flow.refuse(error.message);
    } finally {
      this.pending--;
    }
  }

  async close() {
    this.#client.removeAllListeners('close');
    await this.#client.endAsync();
  }
}
