import { writeSync } from 'node:fs';
import { relative } from 'node:path';
import { SeededRandom } from '../../src/common/ports';

/**
 * The seed of this run: FAIRLEAD_SEED, or one of the moment. Told before anything else happens, with the command that replays
 * what depends on it: times of faults, damaged bits, sizes of slices.
 */
export function seedOf(file: string): number {
  const given = process.env['FAIRLEAD_SEED'];
  const seed = given === undefined ? Date.now() % 1_000_000 : Number(given);
  if (!Number.isSafeInteger(seed) || seed < 0) throw new Error(`FAIRLEAD_SEED=${given} is no whole number`);
  const spec = relative(process.cwd(), file);
  const project = spec.split('/')[1] ?? '';
  note(`seed ${seed}; again: FAIRLEAD_SEED=${seed} npx jest --selectProjects ${project} -- ${spec}`);
  return seed;
}

export function randomOf(seed: number): SeededRandom {
  return new SeededRandom(seed);
}

/** A figure for who reads the run; asserted nowhere. Straight to the terminal, as jest would hold it back. */
export function note(line: string): void {
  writeSync(2, `${line}\n`);
}
