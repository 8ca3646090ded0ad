import type { AddressKind, KindHint, QueueAttach } from '../../addresses/contract';
import type { Source } from '../../amqp/codec/types';
import type { SenderLink } from '../../amqp/sender-link';
import type { MessageFilter } from '../../queues/message-filter';
import { hintOf } from './hints';
import { servedFilters, sourceFilters, type SourceFilters } from './source-filters';
import { EXCLUSIVE, sourceAnswer } from './termini';

/** What a client's attach asks of the source of its receiving link. */
export class SourceRequest {
  readonly hint: KindHint;
  readonly #filters: SourceFilters;
  readonly #exclusive: boolean;

  /** @throws FairleadError when it asks for what cannot be */
  constructor(
    private readonly source: Source,
    link: SenderLink,
  ) {
    this.hint = hintOf(source.capabilities);
    this.#filters = sourceFilters(source.filter);
    this.#exclusive =
      source.capabilities?.includes(EXCLUSIVE) === true || link.remote?.properties?.named(EXCLUSIVE) === true;
  }

  get dynamic(): boolean {
    return this.source.dynamic === true;
  }

  /** Of a queue. JMS clients ask topics for copies too, where everybody gets one. */
  get queue(): QueueAttach {
    const { selector, noLocal } = this.#filters;
    return {
      browse: this.source.distributionMode === 'copy',
      selector: selector?.text ?? null,
      noLocal,
      exclusive: this.#exclusive,
    };
  }

  /** The selector that is to be applied at the end of the way: a message of a topic has no place that it could wait at for others. */
  selectorOf(kind: AddressKind): MessageFilter | null {
    return kind === 'topic' || kind === 'multicast' ? this.#filters.selector : null;
  }

  /** The answer to the attach: what is served of it. */
  answer(address: string, kind: AddressKind): Source {
    const { source } = this;
    const isQueue = kind === 'queue';
    const served = { selector: isQueue || this.selectorOf(kind) !== null, noLocal: isQueue };
    return sourceAnswer(source, {
      address,
      kind,
      browse: isQueue && this.queue.browse,
      exclusive: isQueue && this.#exclusive,
      filter: servedFilters(source.filter, served),
    });
  }
}
