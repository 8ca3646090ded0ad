import { CODE } from '../constants';
import { DecodeError } from '../errors';
import { described } from './delivery-states';
import { codeOf, Fields, listOf } from './fields';
import { AmqpDescribed, type AmqpValue } from './values';

/** What a controller sends to a coordinator, each as the value of a message (part 4.5.2, 4.5.3). */
export type TransactionCommand =
  /** Begins a transaction; with a global id it is part of a distributed one. */
  | { readonly type: 'declare'; readonly globalId: AmqpValue }
  /** Ends one. */
  | { readonly type: 'discharge'; readonly txnId: Buffer; readonly fail: boolean };

const SYMBOLS: ReadonlyMap<string, number> = new Map([
  ['amqp:declare:list', CODE.declare],
  ['amqp:discharge:list', CODE.discharge],
]);

/** @throws DecodeError */
export function transactionCommandOf(value: AmqpValue): TransactionCommand {
  const code = value instanceof AmqpDescribed ? codeOf(value.descriptor, SYMBOLS) : -1;
  const list = code === CODE.declare || code === CODE.discharge ? (value as AmqpDescribed).value : null;
  if (list === null) throw new DecodeError('a message to a coordinator is neither declare nor discharge');
  if (code === CODE.declare) {
    const fields = new Fields('declare', listOf(list, 'declare'), 1);
    return { type: 'declare', globalId: fields.any() };
  }
  const fields = new Fields('discharge', listOf(list, 'discharge'), 2);
  const txnId = fields.required('txn-id', fields.binary('txn-id'));
  return { type: 'discharge', txnId, fail: fields.boolean('fail') };
}

export function transactionCommandValue(command: TransactionCommand): AmqpDescribed {
  return command.type === 'declare'
    ? described(CODE.declare, [command.globalId])
    : described(CODE.discharge, [command.txnId, command.fail]);
}
