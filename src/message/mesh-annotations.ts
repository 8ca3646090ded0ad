import { withoutAnnotations, type Annotated } from './annotate';
import type { Located } from './locate';

/** Annotations that the mesh alone makes begin so. */
export const MESH_ANNOTATION_PREFIX = 'x-opt-fairlead-';

const PREFIX = Buffer.from(MESH_ANNOTATION_PREFIX);

/** Whether a client's message may have annotations that are not a client's to make; looked at in place. */
export function mayClaimMesh(bytes: Buffer, { annotationsStart, annotationsEnd }: Located): boolean {
  const last = annotationsEnd - PREFIX.length;
  for (let at = annotationsStart; at <= last; at++) {
    let length = 0;
    while (length < PREFIX.length && bytes[at + length] === PREFIX[length]) length++;
    if (length === PREFIX.length) return true;
  }
  return false;
}

/**
 * A message without annotations that only the mesh makes, such as why a message is dead: nobody is to be told so by others.
 * @throws DecodeError
 */
export function withoutMeshAnnotations(bytes: Buffer, start: number, located: Located): Annotated {
  return withoutAnnotations(bytes, start, located.annotationsStart, located.annotationsEnd, MESH_ANNOTATION_PREFIX);
}
