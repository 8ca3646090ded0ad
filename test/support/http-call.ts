import { request, type IncomingHttpHeaders } from 'node:http';

export interface CallAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** The body, where it is JSON. */
  readonly json: unknown;
}

export interface CallOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

/** One request on a connection of its own, with all that its answer says. */
export function httpCall(
  port: number,
  path: string,
  { method, headers = {}, body }: CallOptions = {},
): Promise<CallAnswer> {
  return new Promise((resolve, reject) => {
    const verb = method ?? (body === undefined ? 'GET' : 'POST');
    const sent = request({ host: '127.0.0.1', port, path, method: verb, headers, agent: false }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('error', reject);
      answer.on('end', () => {
        const bytes = Buffer.concat(chunks);
        const isJson = answer.headers['content-type']?.includes('json') ?? false;
        const json: unknown = isJson ? JSON.parse(bytes.toString()) : undefined;
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: bytes, json });
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}
