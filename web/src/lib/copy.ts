/** Copies text to the clipboard, on plain http too, where `navigator.clipboard` does not exist. */
export async function copy(text: string): Promise<boolean> {
  try {
    if (window.isSecureContext) {
      await navigator.clipboard.writeText(text);
      return true;
    }
  } catch { /* refused: the old way may still work */ }
  const back = document.activeElement;
  const host = document.querySelector('[role=dialog], dialog[open]') ?? document.body; // a focus trap would take the focus back
  const area = document.createElement('textarea');
  area.className = 'sr';
  area.value = text;
  area.readOnly = true;
  host.append(area);
  area.select();
  const done = document.execCommand('copy');
  area.remove();
  if (back instanceof HTMLElement) back.focus();
  return done;
}
