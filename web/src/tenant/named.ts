import { t } from './i18n';

/** What somebody is called; whoever was deleted has an empty name. */
export const named = (name: string | null): string => name || t('name.erased');
