/** Work that nobody waits for, put behind the frame that shows what they do wait for. */
const latest = 200;

/** Runs `work` once the frame of the present change is drawn; a page that draws none, because it is hidden, is not waited for. */
export function afterPaint(work: () => void): void {
  let due = true;
  const run = () => { if (due) { due = false; work(); } };
  requestAnimationFrame(() => setTimeout(run));
  setTimeout(run, latest);
}
