import { setTimeout as pause } from 'node:timers/promises';
import type { DrainAnswer } from '../../management/drain.controller';
import type { EvacuationRow } from '../../management/evacuation';
import type { MoveAnswer } from '../../management/queue-rows';
import { askApi } from '../api-client';
import type { CliIo } from '../io';
import { table } from '../table';
import { type ApiOptions, print } from './management';
import { messages as counted, pathOfQueue } from './queues';

export interface DrainOptions extends ApiOptions {
  readonly evacuate?: boolean;
  readonly to?: string;
}

/** How often it is asked how far a move is. */
const ASK_MS = 200;

/** Moves a queue with all that it holds to another node, and waits until it is there. */
export async function rehomeQueue(name: string, node: string, options: ApiOptions, io: CliIo): Promise<number> {
  const ask = (): Promise<MoveAnswer> =>
    askApi<MoveAnswer>(options.api, pathOfQueue(name, 'rehome'), { method: 'POST', body: { node } });
  let answer = await ask();
  while (answer.state !== 'moved') {
    await pause(ASK_MS);
    answer = await ask();
  }
  const { queue, to, messages, bytes } = answer;
  return print(answer, () => [`${queue} moved to ${to}: ${counted(messages)}, ${bytes} bytes`], options, io);
}

/** Ends a node, with its queues moved to others before. */
export async function drain(options: DrainOptions, io: CliIo): Promise<number> {
  const { evacuate = false, to } = options;
  const body = { evacuate, ...(to === undefined ? {} : { to }) };
  const ask = (): Promise<DrainAnswer> => askApi<DrainAnswer>(options.api, '/api/v1/drain', { method: 'POST', body });
  let answer = await ask();
  while (answer.state !== 'ending') {
    await pause(ASK_MS);
    answer = await ask();
  }
  return print(answer, () => linesOf(answer.queues), options, io);
}

function linesOf(queues: readonly EvacuationRow[]): string[] {
  const rows = queues.map(({ queue, to, state }) => [queue, to ?? '-', state]);
  return [...(rows.length > 0 ? table(['QUEUE', 'TO', 'STATE'], rows) : []), 'the node hands over and ends'];
}
