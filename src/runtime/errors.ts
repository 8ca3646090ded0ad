import { FairleadError } from '../common/errors';
import { formatAddress } from '../common/format-address';
import type { ConfigProblem } from '../config/problems';
import type { Bind } from '../config/site';

const CURES: Readonly<Record<string, string>> = {
  EACCES: 'name a port from 1024, or let this process bind lower ones',
  EADDRNOTAVAIL: 'name an address of this machine',
  ENOTFOUND: 'name an address of this machine',
};

/** What to do, by the system's code behind an error. */
function cureOf(cause: unknown): string {
  for (let error = cause; error instanceof Error; error = error.cause) {
    const cure = CURES[(error as NodeJS.ErrnoException).code ?? ''];
    if (cure !== undefined) return cure;
  }
  return 'stop what uses it, or name another port';
}

/** A socket of the document cannot be bound. */
export class PortInUseError extends FairleadError {
  /** The same as a problem of the document, which has words for place and cure. */
  readonly problem: ConfigProblem;

  constructor(path: string, bind: Bind, cause: unknown) {
    const where = formatAddress(bind);
    const why = cause instanceof Error ? cause.message : String(cause);
    const cure = cureOf(cause);
    super('FL_PORT_IN_USE', `${path}: ${where} cannot be bound (${why}): ${cure}`, { cause, retryable: true });
    const found = why.includes(where) ? why : `${where}, ${why}`;
    this.problem = { path, expected: 'an address that can be bound', found, hint: cure };
  }
}

/** Another live node bears this node's name; this one has withdrawn. */
export class NodeNameInUseError extends FairleadError {
  /** @param reason names the node */
  constructor(reason: string) {
    super('FL_NODE_NAME_IN_USE', `${reason}: give each node a name of its own`);
  }
}

export class LinkNotFoundError extends FairleadError {
  constructor(name: string, known: readonly string[]) {
    super('FL_LINK_NOT_FOUND', `no link is named ${JSON.stringify(name)}; known: ${known.join(', ') || 'none'}`);
  }
}

/** Accepted links carry the name their dialling side chose, so two neighbours may have chosen the same. */
export class LinkAmbiguousError extends FairleadError {
  constructor(name: string, peers: readonly string[]) {
    super('FL_LINK_AMBIGUOUS', `several links are named ${name}: say which with ${name}@PEER (${peers.join(', ')})`);
  }
}

/** The lock of the data folder is another process's: writing on would damage its store. */
export class DataDirLostError extends FairleadError {
  constructor(folder: string, owner: string) {
    super(
      'FL_DATA_DIR_LOST',
      `the data folder ${folder} now belongs to ${owner}: this process was stopped for too long and ends`,
    );
  }
}
