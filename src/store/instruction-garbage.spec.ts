import { PerformanceObserver, constants } from 'node:perf_hooks';
import { InstructionGarbage } from './instruction-garbage';
import { INSTRUCTION_GARBAGE_BYTES } from './limits';

const OPERATIONS = INSTRUCTION_GARBAGE_BYTES / 48;

it('tells of it each time that there is so much', () => {
  let told = 0;
  const garbage = new InstructionGarbage(() => told++);
  garbage.add(OPERATIONS - 1);
  expect(told).toBe(0);
  garbage.add(1);
  expect(told).toBe(1);
  for (let n = 0; n < 10; n++) garbage.add(OPERATIONS / 2);
  expect(told).toBe(6);
});

it('has V8 mark all that is old', async () => {
  const { NODE_PERFORMANCE_GC_MAJOR, NODE_PERFORMANCE_GC_INCREMENTAL } = constants;
  const marked = new Promise<void>((resolve) => {
    const observer = new PerformanceObserver((list) => {
      const kinds = list.getEntries().map((entry) => (entry as unknown as { detail: { kind: number } }).detail.kind);
      if (!kinds.some((kind) => kind === NODE_PERFORMANCE_GC_MAJOR || kind === NODE_PERFORMANCE_GC_INCREMENTAL)) return;
      observer.disconnect();
      resolve();
    });
    observer.observe({ entryTypes: ['gc'] });
  });
  new InstructionGarbage().add(OPERATIONS);
  await marked;
}, 10_000);
