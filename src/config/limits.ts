/** A site document, and a file that it names, may have this many bytes: 10,000 rules with all their keys take less. */
export const DOCUMENT_BYTES_MAX = 1024 * 1024;

/** So many problems of one document are told: nobody mends more of them at once, and status and log keep them. */
export const PROBLEMS_MAX = 100;

/** Mistakes of YAML that are told: behind the first the reader mostly finds more that are none. */
export const SYNTAX_PROBLEMS_MAX = 10;

/** A changed document is checked within this time, or refused: one of aliases or patterns can take as long as it likes. */
export const CHECK_MS_MAX = 30_000;

/** What checking a changed document may hold in memory, in MiB; running out of it refuses the document. */
export const CHECK_HEAP_MIB_MAX = 512;

/** Nesting of a document; ours has four. What is deeper is not read further: the reader would run out of its stack. */
export const LEVELS_MAX = 32;

/** Keys in one mapping of a document; ours has some thirty. Time to check one grows with the square of them. */
export const KEYS_MAX = 256;
