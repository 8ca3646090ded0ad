/** `npm run soak -- --row F12` sets it: the row whose fault lasts as long as it may, or `all` of them. */
const ROW = process.env['FAIRLEAD_SOAK_ROW'];

export function isFull(row: string): boolean {
  return ROW === row || ROW === 'all';
}

/** How long, or how often, a row's fault is there: short in `npm test`, in full where the row was asked for. */
export function lengthOf<T>(row: string, short: T, full: T): T {
  return isFull(row) ? full : short;
}
