/** A tenant's own limits as a form has them: text, empty where the plan's hold. */
import type { LimitChanges, Overrides, Plan } from '../../lib/types';

export const plans: readonly Plan[] = ['free', 'starter', 'pro', 'business', 'enterprise'];
export const names = ['tickets_per_month', 'operators', 'supervisors', 'clients', 'keys', 'requests_per_minute', 'file_mb', 'storage_mb'] as const;
export type LimitName = (typeof names)[number];
export type Limits = Record<LimitName, string>;

export const limitsOf = (overrides: Overrides): Limits => Object.fromEntries(names.map((name) => [name, String(overrides[name] ?? '')])) as Limits;

/** What the server is told: every limit, `null` where the plan's is to hold. Words without a limit are read as `unlimited`. */
export function changesOf(limits: Limits): LimitChanges {
  const value = (text: string): number | string | null => {
    const plain = text.replace(/\s/g, '');
    if (!plain) return null;
    return /^-?\d+$/.test(plain) ? Number(plain) : plain === '∞' ? 'unlimited' : plain;
  };
  return Object.fromEntries(names.map((name) => [name, value(limits[name])])) as LimitChanges;
}
