import { setTimeout as sleep } from "node:timers/promises";

const POLL_MS = 250;
const ONE_TRY_MS = 5000;

/**
 * Waits until every URL answers without a server error.
 *
 * @param {Record<string, string>} urls - by the name to show
 * @param {{ timeoutMs: number, signal: AbortSignal }} options
 * @returns {Promise<string[]>} the names of those that did not come up in time; empty when all did
 */
export async function notReady(urls, { timeoutMs, signal }) {
  const deadline = Date.now() + timeoutMs;
  let waiting = Object.entries(urls);
  while (waiting.length > 0) {
    const answers = await Promise.all(waiting.map(([, url]) => isUp(url, signal)));
    waiting = waiting.filter((_, index) => !answers[index]);
    if (waiting.length === 0 || Date.now() >= deadline || signal.aborted) break;
    await sleep(POLL_MS);
  }
  return waiting.map(([name]) => name);
}

/**
 * @param {string} url
 * @param {AbortSignal} signal
 */
async function isUp(url, signal) {
  try {
    const response = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(ONE_TRY_MS)]) });
    await response.body?.cancel();
    return response.status < 500;
  } catch {
    return false;
  }
}
