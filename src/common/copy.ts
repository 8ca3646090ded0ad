/** Up to so many bytes a loop over words is as fast as a copy by Node, for which an object is made. */
const LOOP_BYTES_MAX = 160;
/** Buffers that a message goes through on its way: what was read, where it is put together, a batch, what is written. */
const VIEWS_MAX = 8;

/** Views of the buffers last copied between: messages come by the batch from one and go by the batch into one. */
const BUFFERS: (Buffer | undefined)[] = new Array<Buffer | undefined>(VIEWS_MAX).fill(undefined);
const VIEWS: DataView[] = Array.from({ length: VIEWS_MAX }, () => new DataView(new ArrayBuffer(0)));
let oldest = 0;

/** A view of all of a buffer: who copies into many of them in turns keeps one for each. */
export function viewOf({ buffer, byteOffset, length }: Buffer): DataView {
  return new DataView(buffer, byteOffset, length);
}

function cachedViewOf(buffer: Buffer): DataView {
  for (let at = 0; at < VIEWS_MAX; at++) if (BUFFERS[at] === buffer) return VIEWS[at] as DataView;
  const view = viewOf(buffer);
  BUFFERS[oldest] = buffer;
  VIEWS[oldest] = view;
  oldest = (oldest + 1) % VIEWS_MAX;
  return view;
}

/**
 * Copies [start, end) of `source` to `at` of `target`, which is another buffer: a message's worth without an object.
 * @param view of `target`, where the caller has one
 */
export function copyBytes(
  source: Buffer,
  start: number,
  end: number,
  target: Buffer,
  at: number,
  view?: DataView,
): void {
  if (end - start > LOOP_BYTES_MAX) {
    // `Buffer.copy` does the same in nearly twice the time.
    target.set(new Uint8Array(source.buffer, source.byteOffset + start, end - start), at);
    return;
  }
  const sourceView = cachedViewOf(source);
  const targetView = view ?? cachedViewOf(target);
  let from = start;
  let to = at;
  for (const words = end - 3; from < words; from += 4, to += 4) targetView.setInt32(to, sourceView.getInt32(from));
  for (; from < end; from++, to++) target[to] = source[from] as number;
}
