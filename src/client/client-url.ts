import { type ClientMechanism, anonymousClient, plainClient } from '../amqp/sasl/mechanisms';
import { ClientUrlError } from './errors';

const PORT = 5672;

export interface ClientUrl {
  readonly host: string;
  readonly port: number;
  readonly mechanism: ClientMechanism;
}

/** Reads `amqp://user:password@host:port`. @throws ClientUrlError */
export function parseClientUrl(text: string): ClientUrl {
  let url: URL;
  try {
    url = new URL(text);
  } catch (error) {
    throw new ClientUrlError(JSON.stringify(text), error instanceof Error ? error.message : String(error));
  }
  if (url.protocol === 'amqps:') throw new ClientUrlError(redacted(url), 'amqps is not implemented in this version');
  if (url.protocol !== 'amqp:') throw new ClientUrlError(redacted(url), `${url.protocol}// is not spoken here`);
  if (url.hostname === '') throw new ClientUrlError(redacted(url), 'it names no host');
  if (url.search !== '' || url.hash !== '' || !['', '/'].includes(url.pathname))
    throw new ClientUrlError(redacted(url), 'the address is an argument of its own, not a part of the URL');
  const user = decoded(url.username, url);
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: url.port === '' ? PORT : Number(url.port),
    mechanism: user === '' ? anonymousClient() : plainClient(user, decoded(url.password, url)),
  };
}

function decoded(part: string, url: URL): string {
  try {
    return decodeURIComponent(part);
  } catch (error) {
    throw new ClientUrlError(redacted(url), `user or password is badly escaped (${String(error)})`);
  }
}

/** Without the password: errors end up in logs. */
function redacted(url: URL): string {
  const copy = new URL(url);
  if (copy.password !== '') copy.password = '***';
  return copy.href;
}
