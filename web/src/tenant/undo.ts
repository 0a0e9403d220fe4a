/** How many seconds an answer waits before it leaves, so that its author can take it back: a choice of this machine. */
const store = 'tp.undo';
const usual = 5;
export const undoChoices = [0, 5, 10, 20, 30] as const;

export function undoSeconds(): number {
  try {
    const chosen = Number(localStorage.getItem(store) ?? usual);
    return undoChoices.find((x) => x === chosen) ?? usual;
  } catch { return usual; }
}

export function setUndoSeconds(seconds: number): void {
  try { localStorage.setItem(store, String(seconds)); } catch { /* the usual time stays */ }
}
