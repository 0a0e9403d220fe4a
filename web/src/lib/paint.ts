/** Work that nobody waits for, put behind the frame that shows what they do wait for. */
const latest = 200;

/** Runs `work` once the frame of the present change is drawn; a page that draws none, because it is hidden, is not waited for. */
export function afterPaint(work: () => void): void {
  let due = true;
  const run = () => { if (due) { due = false; work(); } };
  requestAnimationFrame(() => setTimeout(run));
  setTimeout(run, latest);
}

const settling = 120;
/** Runs `work` once the first picture of the page is on the screen: the frame that is drawn still has to be brought there, by the same processor. */
export function afterStart(work: () => void): void { afterPaint(() => setTimeout(work, settling)); }

/** As long as nobody minds an empty page: what is there by then is part of the first thing painted. */
export const moment = (): Promise<void> => new Promise((done) => { setTimeout(done, 300); });
