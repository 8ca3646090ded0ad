import type { FastifyReply, FastifyRequest } from 'fastify';
import type { CompiledSite } from '../config/site';
import { type HostGuard, siteHostGuard } from './host-guard';
import { answerProblem } from './problem.filter';
import { RequestGate } from './request-gate';

type Refusal = readonly [status: number, title: string, code: string, detail: string];

/** What every HTTP request passes before anything answers it: it must be meant for this node, then it waits for its turn. */
export class FrontDoor {
  readonly #gate = new RequestGate();
  readonly #isLetIn: HostGuard;
  readonly #answersTo: string;

  constructor(site: Pick<CompiledSite, 'http' | 'site' | 'node'>) {
    const { isOurs, answersTo } = siteHostGuard(site.http.host, site);
    this.#isLetIn = isOurs;
    this.#answersTo = answersTo;
  }

  /** Lets a request in, or answers it itself. */
  async admit(request: FastifyRequest, reply: FastifyReply): Promise<boolean> {
    const refusal = await this.#refusalOf(request.headers.host);
    if (refusal === null) return true;
    const [status, title, code, detail] = refusal;
    await reply
      .status(status)
      .header('connection', 'close')
      .type('application/problem+json')
      .send({ type: 'about:blank', title, status, code, detail });
    return false;
  }

  /** Fastify refuses a path it cannot read before any hook runs: such a request comes in by the same door. */
  readonly onFrameworkError = (error: Error, request: FastifyRequest, reply: FastifyReply): void => {
    void this.admit(request, reply).then((admitted) => {
      if (admitted) answerProblem(error, request, reply);
    });
  };

  async #refusalOf(host: string | undefined): Promise<Refusal | null> {
    if (!this.#isLetIn(host)) {
      const detail = `this node answers to ${this.#answersTo} only, and to http.names of its document; not to ${JSON.stringify(host)}`;
      return [403, 'Forbidden', 'FL_HOST_REFUSED', detail];
    }
    if (await this.#gate.enter()) return null;
    return [503, 'Unavailable', 'FL_HTTP_BUSY', 'too many requests wait for their turn'];
  }
}
