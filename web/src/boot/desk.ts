/** Asks what the desk is about to ask, before its code is here. */
import { sendAhead } from '../lib/send';
import { opening, pageOf, request } from '../tenant/queue/view';
import { kept } from './start';

sendAhead('admin', 'me', {});
// Somebody was signed in here before.
if (kept('signed')) sendAhead('admin', 'list_tickets', pageOf(request(opening.view, opening.filters, opening.sort), 1));
