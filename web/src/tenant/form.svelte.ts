/** One form on its way to the server: busy or not, and which field the server (or the form itself) finds fault with. */
import { ApiError } from '../lib/api';
import { errorText } from '../lib/error';
import { t } from './i18n';

/** The server's sentence without the name of the parameter: it stands right at the field. */
function atField(error: unknown): string {
  const text = errorText(error);
  const words = error instanceof ApiError && error.code === 'invalid_parameter' ? text.slice(text.indexOf(': ') + 1).trim() : text;
  return words.charAt(0).toLocaleUpperCase() + words.slice(1);
}

export class Form {
  busy = $state(false);
  /** What is wrong with the whole. */
  fault = $state('');
  faults = $state<Record<string, string>>({});

  /** True when every named value is there; the others are marked. */
  require(values: Readonly<Record<string, string>>): boolean {
    this.fault = '';
    this.faults = Object.fromEntries(Object.entries(values).filter(([, value]) => !value.trim()).map(([name]) => [name, t('common.required')]));
    return Object.keys(this.faults).length === 0;
  }

  /** Runs `send` once at a time; a refusal lands at the field it names, when `known` has it. */
  async run(send: () => Promise<unknown>, known: readonly string[] = []): Promise<boolean> {
    if (this.busy) return false;
    this.busy = true;
    this.fault = '';
    this.faults = {};
    try {
      await send();
      return true;
    } catch (error) {
      // An item of a list (`tags[0]`) is shown at the list.
      const field = error instanceof ApiError ? error.field?.replace(/\[.*$/, '') : undefined;
      if (field && known.includes(field)) this.faults = { [field]: atField(error) };
      else this.fault = errorText(error);
      return false;
    } finally {
      this.busy = false;
    }
  }
}
