import { Body, Controller, Get, HttpCode, Inject, Param, Post, Query } from '@nestjs/common';
import type { z } from 'zod';
import { describeValue } from '../config/problems';
import type { MeshNode } from '../mesh/contract';
import type { Queue } from '../queues/contract';
import { MESH_NODE } from '../runtime/ports';
import {
  type CountAnswer,
  type MessagesAnswer,
  type QueueRow,
  type QueuesAnswer,
  messageRow,
  queueRows,
} from './queue-rows';
import { QueueElsewhereError, QueueNotFoundError, RequestError } from './request-error';
import { PEEK, QUEUE_MOVE, QUEUE_PURGE, QUEUE_RETRY } from './schemas';

/** Queues of the mesh, and what an operator does to those that live here. */
@Controller('api/v1/queues')
export class QueuesController {
  constructor(@Inject(MESH_NODE) private readonly node: MeshNode) {}

  @Get()
  list(): QueuesAnswer {
    return { queues: this.#rows() };
  }

  /** Looks at messages without taking them. */
  @Get(':name/messages')
  peek(@Param('name') name: string, @Query() query: unknown): MessagesAnswer {
    const { count, from } = read(PEEK, query);
    return { messages: this.#queue(name).peek(count, from).map(messageRow) };
  }

  /** Drops all that no consumer has. */
  @Post(':name/purge')
  @HttpCode(200)
  purge(@Param('name') name: string, @Body() body: unknown): Promise<CountAnswer> {
    read(QUEUE_PURGE, body);
    const queue = this.#queue(name);
    return counted((done) => queue.purge(done));
  }

  /** Moves messages to another address, the oldest first. */
  @Post(':name/move')
  @HttpCode(200)
  move(@Param('name') name: string, @Body() body: unknown): Promise<CountAnswer> {
    const { to, count } = read(QUEUE_MOVE, body);
    const queue = this.#queue(name);
    return counted((done) => queue.move(to, count ?? Infinity, done));
  }

  /** Moves dead letters back to where they came from. */
  @Post(':name/retry')
  @HttpCode(200)
  retry(@Param('name') name: string, @Body() body: unknown): Promise<CountAnswer> {
    const { count } = read(QUEUE_RETRY, body);
    const queue = this.#queue(name);
    return counted((done) => queue.retryDead(count ?? Infinity, done));
  }

  #rows(): QueueRow[] {
    const { identity, queues } = this.node;
    return queueRows(identity.name, queues.views(), this.node.queueHomes(), this.node.outbox());
  }

  #queue(name: string): Queue {
    const queue = this.node.queues.find(name);
    if (queue !== null) return queue;
    const rows = this.#rows();
    const elsewhere = rows.find((row) => row.name === name);
    if (elsewhere !== undefined) throw new QueueElsewhereError(name, elsewhere.home);
    throw new QueueNotFoundError(name);
  }
}

function read<T extends z.ZodType>(schema: T, value: unknown): z.output<T> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const key = issue?.path[0]?.toString();
  const found = key === undefined ? value : (value as Record<string, unknown> | null)?.[key];
  throw new RequestError(key ?? 'body', issue?.message ?? 'what docs/reference says', describeValue(found, key));
}

type CountDone = (count: number, error: Error | null) => void;

function counted(begin: (done: CountDone) => void): Promise<CountAnswer> {
  return new Promise((resolve, reject) =>
    begin((count, error) => {
      if (error === null) resolve({ count });
      else reject(error);
    }),
  );
}
