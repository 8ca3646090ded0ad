import type { KindHint } from '../../addresses/contract';

/** What a terminus' capabilities say of the kind of address it expects (as JMS clients send them). */
export function hintOf(capabilities: readonly string[] | undefined): KindHint {
  for (const capability of capabilities ?? []) {
    if (capability === 'topic' || capability === 'temporary-topic') return 'topic';
    if (capability === 'queue' || capability === 'temporary-queue') return 'queue';
  }
  return null;
}
