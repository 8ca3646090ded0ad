import { MessageFieldError } from './errors';

/** Kinds of addresses that a topic name of MQTT can lead to; a plain one is a topic's, and its rule decides which kind of topic. */
export type MqttKind = 'topic' | 'queue' | 'anycast' | 'multicast';

/** What a topic name or filter of MQTT means in the mesh. */
export interface MqttTarget {
  readonly kind: MqttKind;
  /** A mesh name, or for a filter a mesh filter. */
  readonly name: string;
  /** The group of a shared subscription. */
  readonly share: string | null;
  /** Holds `*` or `#`. */
  readonly wild: boolean;
}

/** [MQTT-1.5.4]: a string of MQTT has so many bytes at most. */
export const MQTT_TEXT_BYTES_MAX = 65_535;

const KIND_PREFIX = /^\$(queue|anycast|multicast)\//;
const SHARE_PREFIX = '$share/';

/** Whether a string may stand in a packet: [MQTT-1.5.4-1] and [MQTT-1.5.4-2]. */
export function isMqttText(text: string): boolean {
  return !text.includes('\0') && !/\p{Surrogate}/u.test(text) && Buffer.byteLength(text) <= MQTT_TEXT_BYTES_MAX;
}

/**
 * What a topic name that is published to means. [MQTT-3.3.2-2], [MQTT-4.7.3-1].
 * @throws MessageFieldError
 */
export function parseTopicName(topic: string, field = 'topic'): MqttTarget {
  checkText(topic, field);
  if (/[+#]/.test(topic)) throw new MessageFieldError(field, 'holds + or #, which only filters do');
  return targetOf(topic, null, false, field);
}

/**
 * What a filter that is subscribed to means. [MQTT-4.7.1-1] to [MQTT-4.7.1-3], [MQTT-4.8.2-1], [MQTT-4.8.2-2].
 * @throws MessageFieldError
 */
export function parseTopicFilter(text: string, field = 'filter'): MqttTarget {
  checkText(text, field);
  const { share, filter } = shareOf(text, field);
  const levels = filter.split('/');
  levels.forEach((level, at) => {
    if (level.length > 1 && /[+#]/.test(level)) throw new MessageFieldError(field, 'has + or # within a level');
    if (level === '#' && at < levels.length - 1) throw new MessageFieldError(field, 'has # before its last level');
  });
  return targetOf(filter, share, /[+#]/.test(filter), field);
}

function checkText(text: string, field: string): void {
  if (text === '') throw new MessageFieldError(field, 'is empty');
  if (!isMqttText(text))
    throw new MessageFieldError(field, `is no text of MQTT of at most ${MQTT_TEXT_BYTES_MAX} bytes`);
}

function shareOf(text: string, field: string): { share: string | null; filter: string } {
  if (text !== '$share' && !text.startsWith(SHARE_PREFIX)) return { share: null, filter: text };
  const end = text.indexOf('/', SHARE_PREFIX.length);
  const share = text.slice(SHARE_PREFIX.length, end);
  const filter = text.slice(end + 1);
  if (end < 0 || share === '' || filter === '' || /[+#]/.test(share))
    throw new MessageFieldError(field, 'is no $share/group/filter');
  return { share, filter };
}

function targetOf(topic: string, share: string | null, wild: boolean, field: string): MqttTarget {
  const prefix = KIND_PREFIX.exec(topic);
  if (prefix === null) return { kind: 'topic', name: nameOfTopic(topic), share, wild };
  const name = topic.slice(prefix[0].length);
  if (wild) throw new MessageFieldError(field, 'has + or #, but only topics have filters');
  if (name === '' || /[*]/.test(name)) throw new MessageFieldError(field, 'has no name behind its kind');
  return { kind: prefix[1] as MqttKind, name, share, wild };
}

const TO_MESH: Readonly<Record<string, string>> = { '/': '.', '+': '*', '.': '%2E', '*': '%2A', '%': '%25' };
const FROM_MESH: Readonly<Record<string, string>> = { '%2E': '.', '%2A': '*', '%25': '%' };

/** The mesh name of a topic name, or the mesh filter of a filter: every text has one of its own, and {@link topicOfName} gives it back. */
export function nameOfTopic(topic: string): string {
  // Most have nothing to escape, and many are asked for.
  return topic.replace(/[/+.*%]/g, (char) => TO_MESH[char] as string);
}

/**
 * The topic name of a mesh name. What MQTT cannot say, such as a `/` or `+` within a word, stands in it as `%2F` or `%2B`: this can be
 * told to a subscriber, but not be published to.
 */
export function topicOfName(name: string): string {
  return name.replace(/\.|%2E|%2A|%25|[/+]/g, (part) => {
    if (part === '.') return '/';
    return FROM_MESH[part] ?? (part === '/' ? '%2F' : '%2B');
  });
}

/** The filter of a mesh filter; null where MQTT has none, as with `#` before the last word. */
export function filterOfName(name: string): string | null {
  const words = name.split('.');
  const hash = words.indexOf('#');
  if (hash >= 0 && hash < words.length - 1) return null;
  return words.map((word) => (word === '*' ? '+' : word === '#' ? '#' : topicOfName(word))).join('/');
}

/** What a topic name or filter leads to, as the address contract and other clients write it: `topic/a.b`. */
export function addressOfTarget({ kind, name }: Pick<MqttTarget, 'kind' | 'name'>): string {
  return `${kind}/${name}`;
}

/** The topic name that publishes to an address of the mesh; null where MQTT cannot say it. */
export function topicOfAddress(address: string): string | null {
  const [, prefix, name = ''] = /^(?:(topic|queue|anycast|multicast)(?::\/\/|\/))?(.*)$/s.exec(address) ?? [];
  const kind = prefix ?? temporaryKind(name) ?? 'topic';
  const topic = kind === 'topic' ? topicOfName(name) : `$${kind}/${name}`;
  if (topic === '' || !isMqttText(topic) || /[+#]/.test(topic)) return null;
  const target = parsedOrNull(topic);
  return target?.kind === kind && target.name === name ? topic : null;
}

function parsedOrNull(topic: string): MqttTarget | null {
  try {
    return parseTopicName(topic);
  } catch (error) {
    if (error instanceof MessageFieldError) return null;
    throw error;
  }
}

/** A temporary address says in its name what it is. */
function temporaryKind(name: string): MqttKind | undefined {
  const letter = /^fairlead\.temp\.([taq])\./.exec(name)?.[1];
  return letter === undefined ? undefined : letter === 't' ? 'topic' : letter === 'a' ? 'anycast' : 'queue';
}

/** [MQTT-4.7.2-1]: a filter that begins with a wildcard gets nothing whose name begins with `$`. Both are mesh names. */
export function isHiddenFrom(name: string, filter: string): boolean {
  const first = filter.charCodeAt(0);
  return name.charCodeAt(0) === 0x24 && (first === 0x2a || first === 0x23);
}
