/** Up to so many bytes a loop over words is as fast as `Buffer.copy`, which makes an object for every call. */
const LOOP_BYTES_MAX = 160;

/** Views of the two buffers last copied between: messages come by the batch from one and go by the batch into one. */
let sourceOf: Buffer = Buffer.alloc(0);
let targetOf: Buffer = sourceOf;
let sourceView = viewOf(sourceOf);
let targetView = sourceView;

function viewOf({ buffer, byteOffset, length }: Buffer): DataView {
  return new DataView(buffer, byteOffset, length);
}

/** Copies [start, end) of `source` to `at` of `target`, which is another buffer: a message's worth without an object. */
export function copyBytes(source: Buffer, start: number, end: number, target: Buffer, at: number): void {
  if (end - start > LOOP_BYTES_MAX) {
    source.copy(target, at, start, end);
    return;
  }
  if (source !== sourceOf) {
    sourceOf = source;
    sourceView = viewOf(source);
  }
  if (target !== targetOf) {
    targetOf = target;
    targetView = viewOf(target);
  }
  let from = start;
  let to = at;
  for (const words = end - 3; from < words; from += 4, to += 4) targetView.setInt32(to, sourceView.getInt32(from));
  for (; from < end; from++, to++) target[to] = source[from] as number;
}
