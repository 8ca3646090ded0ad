/** What the MQTT clients of a node did so far, and how many there are. */
export class MqttTotals {
  #clients = 0;
  /** Most that were connected at once. */
  clientsMax = 0;
  /** Packets of any type. */
  packetsIn = 0;
  packetsOut = 0;
  /** PUBLISH packets alone. */
  publishesIn = 0;
  publishesOut = 0;
  bytesIn = 0;
  bytesOut = 0;
  /** Filters that connected clients subscribe to. */
  subscriptions = 0;

  get clients(): number {
    return this.#clients;
  }

  entered(): void {
    this.#clients++;
    this.clientsMax = Math.max(this.clientsMax, this.#clients);
  }

  left(): void {
    this.#clients--;
  }
}
