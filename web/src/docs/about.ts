/** What is said of one field, in the language of the page. */
import { number } from '../lib/date';
import { t, type DocsKey } from './i18n';
import { limits, type Limit, type Schema, type Schemas } from './schema';

function inWords(limit: Limit): string {
  if (limit.kind === 'format') return t('limit.format', { name: limit.name });
  if (limit.kind === 'default') return t('limit.default', { value: limit.value });
  const { kind, low, high } = limit;
  const reach = low === undefined ? 'most' : high === undefined ? 'least' : 'between';
  return t(`limit.${kind}_${reach}` satisfies DocsKey, { low: number(low ?? 0), high: number(high ?? 0) });
}

export const limitText = (schema: Schema, schemas: Schemas): string => limits(schema, schemas).map(inWords).join(' · ');
