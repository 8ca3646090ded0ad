const OFFSET = 0x811c9dc5;
const PRIME = 0x01000193;

/** Tag of a client in the messages that it publishes, for consumers that do not want their own (no-local): FNV-1a of its name, never 0. */
export function publisherTag(client: string): number {
  let hash = OFFSET;
  for (let at = 0; at < client.length; at++) hash = Math.imul(hash ^ client.charCodeAt(at), PRIME);
  return hash >>> 0 || 1;
}

/** Names the endpoint of a client's link (part 2.6.1) to queues; never 0. */
export function endpointTag(client: string, link: string): number {
  return publisherTag(`${client}\0${link}`);
}
