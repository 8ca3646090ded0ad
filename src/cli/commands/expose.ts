import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { InvalidArgumentError } from 'commander';
import { formatAddress } from '../../common/format-address';
import { TCP_PATTERN } from '../../config/fields';
import { bindOfTcp, nameOfService } from '../../config/site';
import { EXPOSE_PROTOCOL } from '../../management/expose-protocol';
import type { TcpAddress } from '../../transport/tcp';
import { ApiProblemError, ApiUnreachableError, urlOf } from '../api-client';
import { EXIT } from '../exit-codes';
import type { CliIo } from '../io';

export interface ExposeOptions {
  readonly as: string;
  readonly url: string;
}

/** A node that does not say a word for so long is gone, or none. */
const ANSWER_MS = 10_000;
/** After the connection to the node was lost it is tried again this often. */
const AGAIN_MS = 1_000;

/** `8080` or `host:8080`. */
export function localPort(text: string): TcpAddress {
  const whole = /^\d+$/.test(text) ? `127.0.0.1:${text}` : text;
  const bind = TCP_PATTERN.test(whole) ? bindOfTcp(whole) : { host: '', port: 0 };
  if (bind.port < 1 || bind.port > 65_535) throw new InvalidArgumentError('Expected PORT or HOST:PORT.');
  return bind;
}

/** `shop`, or with its kind. */
export function exposedName(text: string): string {
  if (nameOfService(text) === '')
    throw new InvalidArgumentError('Expected the name of a service, such as shop or anycast/shop, without spaces.');
  return text;
}

/** Offers a local service until Ctrl-C; a node that goes is awaited. The first time it must be there. */
export async function expose(local: TcpAddress, { as, url }: ExposeOptions, io: CliIo): Promise<number> {
  const interrupt = io.interrupted();
  let ended = false;
  const done = interrupt.done.then(() => void (ended = true));
  let control = await offer(url, as);
  while (!ended) {
    io.out(`${formatAddress(local)} is offered as anycast/${nameOfService(as)} at ${url}`);
    await Promise.race([served(control, url, local, io), done]);
    control.destroy();
    if (ended) break;
    io.err(`the connection to ${url} is lost; it is tried again`);
    const next = await again(url, as, done, () => ended);
    if (next === null) break;
    control = next;
  }
  interrupt.disarm();
  return EXIT.ok;
}

async function again(url: string, as: string, done: Promise<void>, isOver: () => boolean): Promise<Socket | null> {
  while (!isOver()) {
    await Promise.race([done, new Promise((resolve) => setTimeout(resolve, AGAIN_MS))]);
    const control = isOver() ? null : await offer(url, as).catch(() => null);
    if (control !== null) return control;
  }
  return null;
}

function offer(url: string, as: string): Promise<Socket> {
  return dial(url, `/api/v1/expose?as=${encodeURIComponent(nameOfService(as))}`);
}

/** A connection to the node that is no HTTP any more. @throws ApiProblemError, ApiUnreachableError */
function dial(url: string, path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = urlOf(path, url);
    const host = hostname.replace(/^\[|\]$/g, '');
    const asked = request({
      path,
      headers: { host: `${hostname}:${port}`, connection: 'upgrade', upgrade: EXPOSE_PROTOCOL },
      timeout: ANSWER_MS,
      // Each direction ends by itself.
      createConnection: () => connect({ host, port: Number(port || 80), allowHalfOpen: true, noDelay: true }),
    });
    const fail = (why: string, cause: unknown): void =>
      reject(new ApiUnreachableError(url, `${why}; --url names the http port of a running node`, cause));
    asked.on('upgrade', (_answer, socket: Socket, head: Buffer) => {
      socket.setTimeout(0);
      if (head.length > 0) socket.unshift(head);
      resolve(socket);
    });
    asked.on('response', (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (part: string) => (text += part));
      answer.on('end', () =>
        reject(problemOf(text) ?? new ApiUnreachableError(url, 'it cannot expose services', null)),
      );
    });
    asked.on('timeout', () => asked.destroy(new Error(`no answer within ${ANSWER_MS} ms`)));
    asked.on('error', (error) => fail(error.message, error));
    asked.end();
  });
}

function problemOf(text: string): ApiProblemError | null {
  try {
    const { code, detail } = JSON.parse(text) as { code?: unknown; detail?: unknown };
    return typeof code === 'string' && typeof detail === 'string' ? new ApiProblemError(code, detail) : null;
  } catch {
    return null;
  }
}

/** Fetches caller after caller, until the connection is over. */
function served(control: Socket, url: string, local: TcpAddress, io: CliIo): Promise<void> {
  return new Promise((resolve) => {
    let line = '';
    control.setKeepAlive(true, ANSWER_MS);
    control.setEncoding('utf8').on('data', (text: string) => {
      const lines = (line + text).split('\n');
      line = lines.pop() ?? '';
      for (const { call, detail } of lines.map((each) => JSON.parse(each) as { call?: string; detail?: string })) {
        if (call !== undefined) fetchCaller(control, url, local, call, io);
        if (detail !== undefined) io.err(`${url}: ${detail}`);
      }
    });
    control.on('error', () => undefined);
    control.on('end', resolve);
    control.on('close', resolve);
  });
}

function fetchCaller(control: Socket, url: string, local: TcpAddress, token: string, io: CliIo): void {
  const service = connect({ ...local, allowHalfOpen: true, noDelay: true });
  service.once('error', (error) => {
    io.err(`${formatAddress(local)} does not answer: ${error.message}`);
    if (!control.destroyed) control.write(`${JSON.stringify({ refused: token, why: error.message })}\n`);
  });
  service.once('connect', () => {
    service.removeAllListeners('error');
    service.on('error', () => undefined);
    dial(url, `/api/v1/expose/${token}`).then(
      (caller) => join(service, caller),
      () => service.destroy(),
    );
  });
}

/** Each direction ends by itself; what one side breaks off is broken off at the other. */
function join(one: Socket, other: Socket): void {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    let ended = false;
    from.on('error', () => undefined);
    from.on('end', () => (ended = true));
    from.on('close', () => {
      if (!ended) to.resetAndDestroy();
    });
    from.pipe(to);
  }
}
