/** Which promise of a ticket is due next, and how it stands at a moment. */
import type { Sla, Status } from '../../lib/types';

export interface Due { kind: 'response' | 'resolution'; at: number; left: number; state: 'paused' | 'over' | 'soon' | 'calm' }
const soon = 60 * 60_000;

export function due(ticket: Sla & { status: Status; first_response_at: string | null }, now: number): Due | undefined {
  if (ticket.status === 'done' || ticket.status === 'closed') return undefined;
  const kind = !ticket.first_response_at && ticket.sla_response_at ? 'response' : 'resolution';
  const when = kind === 'response' ? ticket.sla_response_at : ticket.sla_resolution_at;
  if (!when) return undefined;
  const at = Date.parse(when);
  const left = at - now;
  return { kind, at, left, state: ticket.sla_paused ? 'paused' : left < 0 ? 'over' : left < soon ? 'soon' : 'calm' };
}
