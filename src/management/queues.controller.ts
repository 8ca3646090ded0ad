import { Body, Controller, Get, HttpCode, Inject, Param, Post, Query } from '@nestjs/common';
import type { MeshNode } from '../mesh/contract';
import type { Queue } from '../queues/contract';
import { MESH_NODE } from '../runtime/ports';
import {
  type CountAnswer,
  type MoveAnswer,
  type MessagesAnswer,
  type QueueRow,
  type QueuesAnswer,
  messageRow,
  queueRows,
} from './queue-rows';
import { readRequest } from './read-request';
import { QueueElsewhereError, QueueNotFoundError, RequestError } from './request-error';
import { PEEK, QUEUE_MOVE, QUEUE_PURGE, QUEUE_REHOME, QUEUE_RETRY } from './schemas';

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
    const { count, from } = readRequest(PEEK, query);
    return { messages: this.#queue(name).peek(count, from).map(messageRow) };
  }

  /** Drops all that no consumer has. */
  @Post(':name/purge')
  @HttpCode(200)
  purge(@Param('name') name: string, @Body() body: unknown): Promise<CountAnswer> {
    readRequest(QUEUE_PURGE, body);
    const queue = this.#queue(name);
    return counted((done) => queue.purge(done));
  }

  /** Moves messages to another address, the oldest first. */
  @Post(':name/move')
  @HttpCode(200)
  move(@Param('name') name: string, @Body() body: unknown): Promise<CountAnswer> {
    const { to, count } = readRequest(QUEUE_MOVE, body);
    const queue = this.#queue(name);
    this.#check(to);
    return counted((done) => queue.move(to, count ?? Infinity, done));
  }

  /** Moves dead letters back to where they came from. */
  @Post(':name/retry')
  @HttpCode(200)
  retry(@Param('name') name: string, @Body() body: unknown): Promise<CountAnswer> {
    const { count } = readRequest(QUEUE_RETRY, body);
    const queue = this.#queue(name);
    return counted((done) => queue.retryDead(count ?? Infinity, done));
  }

  /** Moves the queue to another node: begins that, and tells how far it is. */
  @Post(':name/rehome')
  @HttpCode(200)
  rehome(@Param('name') name: string, @Body() body: unknown): MoveAnswer {
    const { node } = readRequest(QUEUE_REHOME, body);
    const { relocation } = this.node;
    // Who asks again after this node has restarted is told that it is there.
    if (relocation.move(name) === null && this.#homeOf(name) === node && node !== this.node.identity.name)
      return { queue: name, to: node, state: 'moved', messages: 0, bytes: 0 };
    if (relocation.move(name) === null) this.#queue(name);
    const { queue, to, state, messages, bytes } = relocation.rehome(name, node);
    return { queue, to, state: state === 'moved' ? 'moved' : 'moving', messages, bytes };
  }

  /**
   * Messages may go to any address of clients', and into a subscription. A topic is to be called one: a misspelt name of a queue mostly is a
   * topic that nobody subscribes to, and what is moved there is gone.
   * @throws AddressError when there is none such, RequestError
   */
  #check(address: string): void {
    for (const { queue } of this.node.addresses.subscriptions()) if (queue === address) return;
    const { kind } = this.node.addresses.resolve(address, null);
    if (kind === 'topic' && !/^topic(?:\/|:\/\/)/.test(address))
      throw new RequestError('to', `topic/${address} if that is meant, else queue/NAME`, JSON.stringify(address));
  }

  #homeOf(name: string): string | null {
    for (const [queue, home] of this.node.queueHomes()) if (queue === name) return home;
    return null;
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

type CountDone = (count: number, error: Error | null) => void;

function counted(begin: (done: CountDone) => void): Promise<CountAnswer> {
  return new Promise((resolve, reject) =>
    begin((count, error) => {
      if (error === null) resolve({ count });
      else reject(error);
    }),
  );
}
