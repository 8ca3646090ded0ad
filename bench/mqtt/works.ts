/** What MQTT clients do in a run. */
export interface MqttWork {
  readonly name: string;
  readonly qos: 0 | 1;
  /** Each has a topic of its own. */
  readonly publishers: number;
  /** Subscribers of each topic. */
  readonly fanOut: number;
  /** Messages of QoS 1 of one publisher that are not acknowledged. */
  readonly window: number;
  /** Messages a second of one publisher; 0 for as many as can be. */
  readonly perSecond: number;
  /** In a line; publishers are at the first, subscribers at the last. */
  readonly nodes: number;
}

const WORK: MqttWork = { name: '', qos: 1, publishers: 1, fanOut: 1, window: 500, perSecond: 0, nodes: 1 };

export const MQTT_WORKS: readonly MqttWork[] = [
  { ...WORK, name: 'qos0/1-1', qos: 0 },
  { ...WORK, name: 'qos1/1-1' },
  { ...WORK, name: 'qos1/10-10', publishers: 10, window: 50 },
  { ...WORK, name: 'qos0/1-50', qos: 0, fanOut: 50 },
  { ...WORK, name: 'qos1/1-50', fanOut: 50 },
  { ...WORK, name: 'qos1/latency', perSecond: 2_000 },
  { ...WORK, name: 'qos1/two-hops', nodes: 3 },
  { ...WORK, name: 'qos1/two-hops/latency', perSecond: 2_000, nodes: 3 },
];
