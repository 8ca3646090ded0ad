/** What a node may take while it is attacked (F26). */
export const MEMORY_BYTES_MAX = 300 * 1024 * 1024;

/** Connections of one run: `FAIRLEAD_FUZZ=10000` makes every run a long one. */
export function connectionsOr(usual: number): number {
  return Number(process.env['FAIRLEAD_FUZZ'] ?? usual);
}
