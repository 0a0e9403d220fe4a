/** Who may give which role and change whom, as the server has it: nobody reaches above their own. */
import type { Role } from '../../lib/types';

const order: readonly Role[] = ['operator', 'supervisor', 'admin', 'head_admin'];

export const rolesOf = (own: Role): readonly Role[] => order.slice(0, order.indexOf(own) + 1);
export const may = (own: Role, theirs: Role): boolean => order.indexOf(theirs) <= order.indexOf(own);
