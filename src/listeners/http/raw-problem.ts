import { STATUS_CODES } from 'node:http';
import type { FairleadError } from '../../common/errors';
import { PROBLEM_TYPE } from '../../common/problem';
import { headersOf, problemOf } from './problem';

/** The whole answer to what did not become a request, after which the connection ends. */
export function rawProblem(error: FairleadError): string {
  const problem = problemOf(error);
  const body = `${JSON.stringify(problem)}\n`;
  const headers = Object.entries({
    ...headersOf(error),
    'content-type': PROBLEM_TYPE,
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
  });
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}\r\n${lines}\r\n${body}`;
}
