/** The present moment for timers on the screen, moving every 15 seconds, and at once when the tab is looked at again. */
let current = $state(Date.now());
const tick = () => { current = Date.now(); };
setInterval(() => { if (!document.hidden) tick(); }, 15_000);
document.addEventListener('visibilitychange', () => { if (!document.hidden) tick(); });

export const now = (): number => current;
