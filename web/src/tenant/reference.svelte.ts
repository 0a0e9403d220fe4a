/** Lists that change rarely: loaded when first asked for, kept, and refreshed by whoever changes them. */
import type { Action, Out } from '../lib/api';
import type { Category, Client, Macro, OperatorRow, QuickReply, Tag, Tariff } from '../lib/types';
import { admin } from './api';

type Listing = 'list_operators' | 'list_tags' | 'list_categories' | 'list_quick_replies' | 'list_macros' | 'list_clients' | 'get_tariff_plans';

class Cached<T> {
  #value = $state.raw<readonly T[]>([]);
  #loading: Promise<readonly T[]> | undefined;
  readonly #load: () => Promise<readonly T[]>;
  constructor(load: () => Promise<readonly T[]>) { this.#load = load; }

  /** What is known now; empty until the first answer. */
  get all(): readonly T[] { return this.#value; }

  async refresh(): Promise<readonly T[]> {
    this.#loading = this.#load();
    try {
      this.#value = await this.#loading;
    } catch (error) {
      this.#loading = undefined;
      throw error;
    }
    return this.#value;
  }

  /** Loads once. A failure shows as an empty list and is tried again next time. */
  ensure(): Promise<readonly T[]> { return (this.#loading ?? this.refresh()).catch(() => this.#value); }
}

const cached = <T>(action: Listing & Action<'admin'>) => new Cached<T>(() => admin(action, {}) as Promise<Out<'admin', Listing>> as Promise<readonly unknown[]> as Promise<readonly T[]>);

export const operators = cached<OperatorRow>('list_operators');
export const tags = cached<Tag>('list_tags');
export const categories = cached<Category>('list_categories');
export const quickReplies = cached<QuickReply>('list_quick_replies');
export const tariffs = cached<Tariff>('get_tariff_plans');
export const macros = cached<Macro>('list_macros');
export const clients = cached<Client>('list_clients');

export const categoryName = (code: string | null): string => categories.all.find((x) => x.code === code)?.name ?? code ?? '';
export const operatorName = (id: number): string => operators.all.find((x) => x.id === id)?.name ?? `#${id}`;
