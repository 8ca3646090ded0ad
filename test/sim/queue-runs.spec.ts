import { QueueRun } from './queue-run';

const RUNS = 50;

describe('queues under random faults', () => {
  it.each(['home', 'ingress'] as const)(
    'lose nothing that was accepted, repeat nothing without a mark (custody %s)',
    (custody) => {
      const saw = { messages: 0, kills: 0, cuts: 0, redelivered: 0, ended: 0 };
      for (let seed = 0; seed < RUNS; seed++) {
        const run = new QueueRun(seed, custody).run();
        expect({ seed, problems: run.problems.slice(0, 10) }).toEqual({ seed, problems: [] });
        saw.messages += run.fates.size;
        saw.kills += run.kills;
        saw.cuts += run.cuts;
        saw.redelivered += run.redelivered;
        saw.ended += run.ended;
      }
      console.log(`queues with custody ${custody}: ${RUNS} seeds saw ${JSON.stringify(saw)}`);
      for (const [what, count] of Object.entries(saw)) expect([what, count > RUNS]).toEqual([what, true]);
    },
  );
});
