/** The staff's side of the API. */
import { call, type Action, type CallOptions, type In, type Out } from '../lib/api';

export function admin<A extends Action<'admin'>>(action: A, fields: In<'admin', A>, options?: CallOptions): Promise<Out<'admin', A>> {
  return call('admin', action, fields, options);
}
