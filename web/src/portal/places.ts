/** The pages of the portal beside its list: each is fetched by who goes there, or before that in a quiet moment. */
export const places = {
  ticket: () => import('./Ticket.svelte'),
  new: () => import('./NewTicket.svelte'),
  kb: () => import('./Knowledge.svelte'),
};
