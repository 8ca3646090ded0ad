import { request } from 'node:http';

export interface HttpAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** One request on a connection of its own: a node that restarts must not be asked over its former life's socket. */
export function httpJson(port: number, path: string, method = 'GET', body?: unknown): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const headers = body === undefined ? {} : { 'content-type': 'application/json' };
    const sent = request(
      { host: '127.0.0.1', port, path, method, headers, agent: false, timeout: 10_000 },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8');
        answer.on('data', (chunk: string) => (text += chunk));
        answer.on('end', () => {
          const json = answer.headers['content-type']?.includes('json') ?? false;
          resolve({ status: answer.statusCode ?? 0, body: json ? JSON.parse(text) : text });
        });
        answer.on('error', reject);
      },
    );
    sent.on('timeout', () => sent.destroy(new Error(`no answer: ${method} ${path}`)));
    sent.on('error', reject);
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
