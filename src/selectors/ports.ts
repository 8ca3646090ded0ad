/** What an identifier can stand for; null and undefined are the absence of a value. */
export type SourceValue = string | boolean | number | bigint | null | undefined;

/** A message as a selector sees it. Which property or header an identifier names is the caller's affair. */
export interface SelectorSource {
  /** Integers beyond 2^53 come as bigint, or they are not exact. */
  value(identifier: string): SourceValue;
  /**
   * Whether a number is of a floating type although it has no fraction: `7.0 / 2` is 3.5 and `7 / 2` is 3. Asked only for operands
   * of arithmetic; without it whole numbers are integers.
   */
  approximate?(identifier: string): boolean;
}
