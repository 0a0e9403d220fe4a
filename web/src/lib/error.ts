/** What to tell a person about a failed call: the server's own sentence, or ours when it could not be reached. */
import { ApiError } from './api';
import { t } from './i18n/index.svelte';

export function errorText(error: unknown): string {
  if (!(error instanceof ApiError)) return t('error.unknown');
  if (error.message) return error.message;
  if (error.code === 'timeout') return t('error.timeout');
  return error.unreachable ? t('error.network') : t('error.unknown');
}
