/** Calls of the client API in the name of the token's owner. */
import { call, type Action, type CallOptions, type In, type Out } from '../lib/api';
import { currentToken } from './token';

export function ask<A extends Action<'client'>>(action: A, fields: In<'client', A>, options: CallOptions = {}): Promise<Out<'client', A>> {
  return call('client', action, fields, { ...options, token: currentToken() });
}
