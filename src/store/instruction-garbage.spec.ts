import { InstructionGarbage } from './instruction-garbage';
import { INSTRUCTION_GARBAGE_BYTES, MEMORY_COLLECTED_ABOVE } from './limits';

const OPERATIONS = INSTRUCTION_GARBAGE_BYTES / 48;

it('collects each time that there is so much, while the process is large', () => {
  let collected = 0;
  let memory = MEMORY_COLLECTED_ABOVE + 1;
  const garbage = new InstructionGarbage(
    () => memory,
    () => collected++,
  );
  garbage.add(OPERATIONS - 1);
  expect(collected).toBe(0);
  garbage.add(1);
  expect(collected).toBe(1);
  for (let n = 0; n < 10; n++) garbage.add(OPERATIONS / 2);
  expect(collected).toBe(6);
  memory = MEMORY_COLLECTED_ABOVE;
  garbage.add(OPERATIONS);
  expect(collected).toBe(6);
});

it('has V8 collect what nobody refers to', () => {
  const lost = new WeakRef(new SharedArrayBuffer(1_000_000));
  const collectedLater = new Promise<void>((resolve) => setImmediate(resolve));
  return collectedLater.then(() => {
    new InstructionGarbage(() => Infinity).add(OPERATIONS);
    expect(lost.deref()).toBeUndefined();
  });
});
