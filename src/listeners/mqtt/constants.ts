/** Types of control packets: the upper half of a packet's first byte (2.1.2). */
export const PACKET = {
  connect: 1,
  connack: 2,
  publish: 3,
  puback: 4,
  pubrec: 5,
  pubrel: 6,
  pubcomp: 7,
  subscribe: 8,
  suback: 9,
  unsubscribe: 10,
  unsuback: 11,
  pingreq: 12,
  pingresp: 13,
  disconnect: 14,
  auth: 15,
} as const;

/** First bytes of packets that have no choice of flags (2.1.3). */
export const FIRST = {
  puback: 0x40,
  pubrec: 0x50,
  pubrel: 0x62,
  pubcomp: 0x70,
  pingresp: 0xd0,
} as const;

/** Reason codes that are used here (2.4). From `unspecified` on they are errors. */
export const REASON = {
  success: 0x00,
  disconnectWithWill: 0x04,
  noSubscriptionExisted: 0x11,
  unspecified: 0x80,
  malformed: 0x81,
  protocol: 0x82,
  implementation: 0x83,
  version: 0x84,
  clientId: 0x85,
  notAuthorized: 0x87,
  serverUnavailable: 0x88,
  serverBusy: 0x89,
  shuttingDown: 0x8b,
  badAuthenticationMethod: 0x8c,
  keepAlive: 0x8d,
  taken: 0x8e,
  filter: 0x8f,
  topic: 0x90,
  packetIdNotFound: 0x92,
  receiveMaximum: 0x93,
  topicAlias: 0x94,
  packetSize: 0x95,
  quota: 0x97,
  payloadFormat: 0x99,
  retainNotSupported: 0x9a,
  sharedNotSupported: 0x9e,
} as const;

/** Identifiers of properties (2.2.2.2). */
export const PROPERTY = {
  payloadFormat: 0x01,
  messageExpiry: 0x02,
  contentType: 0x03,
  responseTopic: 0x08,
  correlationData: 0x09,
  subscriptionId: 0x0b,
  sessionExpiry: 0x11,
  assignedClientId: 0x12,
  serverKeepAlive: 0x13,
  authenticationMethod: 0x15,
  authenticationData: 0x16,
  requestProblemInformation: 0x17,
  willDelay: 0x18,
  requestResponseInformation: 0x19,
  responseInformation: 0x1a,
  serverReference: 0x1c,
  reasonString: 0x1f,
  receiveMaximum: 0x21,
  topicAliasMaximum: 0x22,
  topicAlias: 0x23,
  maximumQos: 0x24,
  retainAvailable: 0x25,
  userProperty: 0x26,
  maximumPacketSize: 0x27,
  wildcardAvailable: 0x28,
  subscriptionIdAvailable: 0x29,
  sharedAvailable: 0x2a,
} as const;

/** Session Expiry Interval for ever (3.1.2.11.2). */
export const NEVER_EXPIRES = 0xffff_ffff;
/** The largest variable byte integer (1.5.5). */
export const VARINT_MAX = 268_435_455;
