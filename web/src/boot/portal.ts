/** Asks what the portal, as a page or in a frame, is about to ask, before its code is here. */
import { parse } from '../lib/address';
import { sendAhead } from '../lib/send';
import { anyArticle, listing, ticketsOf } from '../portal/first';
import { tokenAtHand } from '../portal/token';
import { preload, told } from './start';

const token = tokenAtHand('embed' in told);
if (token) {
  const address = parse(location.hash);
  const [place, id] = address.parts;
  if (!place) {
    sendAhead('client', 'list_tickets', ticketsOf(listing(address)), token);
    sendAhead('client', 'client_dashboard', {}, token);
  } else if (place === 'ticket') {
    preload(told.ticket);
    if (Number(id) > 0) sendAhead('client', 'get_ticket', { ticket_id: Number(id) }, token);
  }
  sendAhead('client', 'me', {}, token);
  sendAhead('client', 'kb_articles', anyArticle, token);
}
