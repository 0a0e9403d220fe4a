/** What a status means to the client, and how loud it is: a decision is asked for, work goes on, or it is over. */
import type { ClientTicket, Status } from '../lib/types';

export type Tone = 'asks' | 'works' | 'rests' | 'ended';
const tones: Readonly<Record<Status, Tone>> = {
  new: 'works', in_progress: 'works', reopened: 'works', on_hold: 'rests', estimated: 'asks', done: 'asks', closed: 'ended',
};
export const toneOf = (status: Status): Tone => tones[status];

/** An estimate may be revised while work goes on: then it asks without the status saying so. */
export const awaitsApproval = ({ estimate }: Pick<ClientTicket, 'estimate'>): boolean => estimate?.status === 'pending';

/** Which of the client's own actions the status allows. */
export const canAccept = (status: Status): boolean => status === 'done';
export const canReopen = (status: Status): boolean => status === 'done' || status === 'closed';
