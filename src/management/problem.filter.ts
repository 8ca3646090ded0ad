import { type ArgumentsHost, Catch, type ExceptionFilter, HttpException } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { FairleadError } from '../common/errors';
import { problem, PROBLEM_TYPE, type Problem } from '../common/problem';

const STATUS_OF_CODE: Readonly<Record<string, number>> = {
  FL_LINK_NOT_FOUND: 404,
  FL_LINK_AMBIGUOUS: 409,
  FL_LINK_COST: 409,
  FL_REQUEST_INVALID: 400,
  FL_QUEUE_NOT_FOUND: 404,
  FL_QUEUE_ELSEWHERE: 409,
  FL_QUEUE_INTAKE: 409,
  FL_QUEUE_NOT_TAKEN: 409,
  FL_QUEUE_MOVED: 409,
  FL_QUEUE_DELETED: 409,
  FL_ADDRESS_NAME: 400,
  FL_ADDRESS_KIND: 400,
  FL_ADDRESS_RESERVED: 400,
  FL_REHOME_NODE: 409,
  FL_REHOME_REFUSED: 409,
  FL_EVACUATION_INCOMPLETE: 409,
  FL_SUBSCRIPTION_NOT_FOUND: 404,
  FL_SUBSCRIPTION_NOT_DURABLE: 409,
  FL_SUBSCRIPTION_UNKNOWN: 404,
  FL_SUBSCRIPTION_IN_USE: 409,
  FL_SUBSCRIPTION_AWAY: 503,
  FL_SESSION_NOT_FOUND: 404,
  FL_SESSION_TAKEN: 409,
  FL_SESSION_LIMIT: 409,
  FL_SESSION_UNAVAILABLE: 503,
  FL_RETAINED_NOT_FOUND: 404,
};

const UNSUPPORTED_TYPE = 415;
const JSON_ONLY = 'content-type: expected application/json, for a body of JSON';

/** This port is easily taken for one where messages are published. */
const ELSEWHERE = ': /api/docs tells what there is; messages go to a listener of protocol http';

export function problemOf(error: unknown): Problem {
  return problem(...classify(error));
}

function classify(error: unknown): [status: number, code: string, detail: string] {
  if (error instanceof FairleadError) return [STATUS_OF_CODE[error.code] ?? 500, error.code, error.message];
  if (error instanceof HttpException) {
    const status = error.getStatus();
    return status === 404 ? [status, 'FL_NOT_FOUND', error.message + ELSEWHERE] : invalid(status, error.message);
  }
  // Fastify's own errors (body too large, bad JSON) carry a status.
  const status = (error as { statusCode?: unknown } | null)?.statusCode;
  if (typeof status === 'number' && status >= 400 && status < 500) return invalid(status, (error as Error).message);
  return [500, 'FL_INTERNAL', 'an error of this node: its log has the details'];
}

function invalid(status: number, message: string): [status: number, code: string, detail: string] {
  return [status, 'FL_REQUEST_INVALID', status === UNSUPPORTED_TYPE ? JSON_ONLY : message];
}

function isHealthAnswer(error: unknown): error is HttpException {
  if (!(error instanceof HttpException)) return false;
  const body = error.getResponse();
  return typeof body === 'object' && 'details' in body;
}

/** Every error leaves as application/problem+json, except that health keeps the shape of terminus. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(private readonly onInternal: (error: unknown) => void) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const reply = http.getResponse<FastifyReply>();
    if (isHealthAnswer(error)) {
      void reply.status(error.getStatus()).send(error.getResponse());
      return;
    }
    if (problemOf(error).status >= 500) this.onInternal(error);
    answerProblem(error, http.getRequest<FastifyRequest>(), reply);
  }
}

/** Answers an error in the API's shape; also for what Fastify refuses before Nest sees it, a bad percent escape in the path. */
export function answerProblem(error: unknown, { url }: FastifyRequest, reply: FastifyReply): void {
  const told = problemOf(error);
  void reply
    .status(told.status)
    .type(PROBLEM_TYPE)
    .send({ ...told, instance: url });
}
