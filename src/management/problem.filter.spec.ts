import { BadRequestException, NotFoundException } from '@nestjs/common';
import { LinkNotFoundError } from '../runtime/errors';
import { problemOf } from './problem.filter';
import { RequestError } from './request-error';

describe('a problem', () => {
  it.each([
    ['an error of ours', new LinkNotFoundError('x', ['a']), 404, 'FL_LINK_NOT_FOUND'],
    ['a bad request', new RequestError('cost', 'a number', '"x"'), 400, 'FL_REQUEST_INVALID'],
    ['an unknown path', new NotFoundException('Cannot GET /x'), 404, 'FL_NOT_FOUND'],
    ['what Nest refuses', new BadRequestException('no'), 400, 'FL_REQUEST_INVALID'],
    ['what Fastify refuses', Object.assign(new Error('too large'), { statusCode: 413 }), 413, 'FL_REQUEST_INVALID'],
    ['a bug', new Error('secret path /home/me'), 500, 'FL_INTERNAL'],
    ['anything thrown', 'oops', 500, 'FL_INTERNAL'],
  ])('of %s has its status and code', (_what, error, status, code) => {
    expect(problemOf(error)).toMatchObject({ type: 'about:blank', status, code });
  });

  it('of an unknown path says which other port may be meant', () => {
    expect(problemOf(new NotFoundException('Cannot POST /v1/addresses/a')).detail).toBe(
      'Cannot POST /v1/addresses/a: /api/docs tells what there is; messages go to a listener of protocol http',
    );
  });

  it('of a bug shows nothing of its inside', () => {
    expect(JSON.stringify(problemOf(new Error('secret path /home/me')))).not.toContain('secret');
  });
});
