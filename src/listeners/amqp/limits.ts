/** Every limit of transactions and subscriptions at the edge of AMQP, its reason beside it. */

/** Undischarged transactions of one connection: JMS clients have one for each session, of which there are 256 at most. */
export const TRANSACTIONS_MAX = 512;
/** A transaction that takes longer is rolled back: until then what it has taken from queues is kept from others. */
export const TRANSACTION_MS = 300_000;
/** Outcomes within one transaction that the client leaves for this end to settle: they are kept until its end. */
export const SETTLEMENTS_DUE_MAX = 65_536;
/** Transactions of one connection that were ended from here and not discharged since: their ids are remembered to say why. */
export const ENDED_MAX = 512;
/** Credit of a link to the coordinator: a client waits for the answer to what it has sent, or sends two at once. */
export const COORDINATOR_CREDIT = 32;
/** A message to the coordinator: declare and discharge take some fifty bytes, with sections around them a few hundred. */
export const COMMAND_BYTES_MAX = 4_096;
/** Name of a subscription, and container-id of its client: percent-encoded both are part of a queue's name, which has 4,096 bytes. */
export const SUBSCRIPTION_PART_BYTES_MAX = 512;
