import type { AmqpMap } from '../../amqp/codec/values';

/** CloudEvents 1.0, AMQP binding 3.1.3.1: application properties that are attributes of an event begin with either. */
const PROPERTY = /^cloudEvents[:_](.+)$/s;
/** The one that we write: JMS selectors can name it. */
const PREFIX = 'cloudEvents_';
/** CloudEvents 1.0, naming of attributes; more characters are accepted than 20, as others do. */
const ATTRIBUTE = /^[a-z0-9]+$/;

/** Attributes that an event has at least. */
export const REQUIRED_ATTRIBUTES = ['specversion', 'id', 'source', 'type'] as const;

/** The attribute that an application property is; null where it is none. */
export function attributeOfProperty(property: string): string | null {
  const attribute = PROPERTY.exec(property)?.[1];
  return attribute !== undefined && ATTRIBUTE.test(attribute) ? attribute : null;
}

export function propertyOfAttribute(attribute: string): string {
  return PREFIX + attribute;
}

export function isAttribute(name: string): boolean {
  return ATTRIBUTE.test(name);
}

/** The name that we use for a property, of two that mean the same. */
export function canonicalProperty(property: string): string {
  const attribute = attributeOfProperty(property);
  return attribute === null ? property : PREFIX + attribute;
}

/**
 * An event in binary mode: its attributes are application properties.
 * @param fits whether a protocol that knows events by the attributes that they must have can say one
 */
export function isBinaryEvent(properties: AmqpMap | undefined, fits: (text: string) => boolean): boolean {
  if (properties === undefined) return false;
  return REQUIRED_ATTRIBUTES.every((name) => {
    const value = properties.get(PREFIX + name) ?? properties.get(`cloudEvents:${name}`);
    return typeof value === 'string' && fits(value);
  });
}
