import type { Connection } from './connection';
import type { Link } from './link';

/**
 * Links by name, unique per direction between two containers (part 2.6.1), however many connections they have. All connections of
 * one container share one of these.
 */
export class LinkNames {
  readonly #links = new Map<string, Link>();
  /** Peers that say no container-id are nobody's twin. */
  readonly #nameless = new WeakMap<Connection, number>();
  #next = 0;

  /** Takes the name for `link`. @returns the link that had it, which is to be detached */
  claim(link: Link): Link | null {
    const key = this.#keyOf(link);
    const former = this.#links.get(key);
    this.#links.set(key, link);
    return former === undefined || former === link ? null : former;
  }

  release(link: Link): void {
    const key = this.#keyOf(link);
    if (this.#links.get(key) === link) this.#links.delete(key);
  }

  #keyOf({ sender, name, session: { connection } }: Link): string {
    // One user's container cannot take another one's links.
    const peer = `${connection.user ?? ''}\0${connection.remoteContainerId || this.#numberOf(connection)}`;
    return `${sender ? '<' : '>'}${peer}\0${name}`;
  }

  #numberOf(connection: Connection): string {
    let number = this.#nameless.get(connection);
    if (number === undefined) this.#nameless.set(connection, (number = this.#next++));
    return `\0${number}`;
  }
}
