import type { HeapProfiler } from 'node:inspector';
import { Session } from 'node:inspector/promises';
import { dirname } from 'node:path';

/** The protocol's types (v8-inspector 1.3) as far as @types/node 20 does not have them. */
interface ProfileNode extends HeapProfiler.SamplingHeapProfileNode {
  readonly id: number;
  readonly children: ProfileNode[];
}

interface Profile extends HeapProfiler.SamplingHeapProfile {
  readonly head: ProfileNode;
  readonly samples: readonly { readonly size: number; readonly nodeId: number }[];
}

/** Objects allocated by one function of ours, or by one of the runtime's for it. */
export interface AllocationSite {
  /** Function, file and line of the compiled code; before it what it called in the runtime. */
  readonly place: string;
  readonly objects: number;
}

const ROOT = `${dirname(dirname(__dirname))}/`;

/**
 * Counts the objects that functions in `src` (and in `alsoIn`) allocate while `work` runs, those already collected included, most
 * first. With a sampling interval of one byte V8's sampling heap profiler sees every allocation, but for those that optimised code
 * has merged into one. Functions that optimised code has inlined count for the one that they are in.
 */
export async function countAllocations(work: () => Promise<void>, alsoIn: string[] = []): Promise<AllocationSite[]> {
  const session = new Session();
  session.connect();
  try {
    await session.post('HeapProfiler.startSampling', {
      samplingInterval: 1,
      includeObjectsCollectedByMajorGC: true,
      includeObjectsCollectedByMinorGC: true,
    });
    await work();
    const { profile } = await session.post('HeapProfiler.stopSampling');
    return sitesOf(profile as Profile, ['src/', ...alsoIn]);
  } finally {
    session.disconnect();
  }
}

function sitesOf({ head, samples }: Profile, folders: readonly string[]): AllocationSite[] {
  const places = new Map<number, string>();
  const walk = ({ id, callFrame, children }: ProfileNode, caller: string | null): void => {
    const { functionName, url, lineNumber } = callFrame;
    const path = url.replace(/^file:\/\//, '').replace(ROOT, '');
    const runtime = path === '' || path.startsWith('node:');
    const ours = folders.some((folder) => path.startsWith(folder));
    const place = ours ? `${functionName} ${path}:${lineNumber + 1}` : runtime ? caller : null;
    if (place !== null) places.set(id, ours ? place : `${functionName} < ${place}`);
    for (const child of children) walk(child, place);
  };
  walk(head, null);
  const counts = new Map<string, number>();
  for (const { nodeId } of samples) {
    const place = places.get(nodeId);
    if (place !== undefined) counts.set(place, (counts.get(place) ?? 0) + 1);
  }
  return [...counts].map(([place, objects]) => ({ place, objects })).sort((a, b) => b.objects - a.objects);
}
