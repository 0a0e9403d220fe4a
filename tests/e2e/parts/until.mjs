/** Waiting for a condition: the first truthy answer of `probe`, asked again and again. */
import { setTimeout as pause } from 'node:timers/promises';

export async function until(what, probe, ms = 10_000) {
  const end = Date.now() + ms;
  for (;;) {
    const found = await probe();
    if (found) return found;
    if (Date.now() > end) throw new Error(`waited ${ms} ms in vain: ${what}`);
    await pause(60);
  }
}
