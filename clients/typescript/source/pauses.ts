// The pauses between two attempts.

/** Seconds of the longest pause, unless the server names a longer one. */
const MAX_PAUSE = 20;

/** Seconds of the longest pause that a server can name by `Retry-After`. */
export const MAX_REQUESTED_PAUSE = 60;

/** Return the seconds to wait after a number of failures: random, and twice as long after each further one. */
export function pauseAfter(failures: number): number {
  const bound = Math.min(MAX_PAUSE, 0.5 * 2 ** (failures - 1));
  return bound * (0.5 + Math.random() / 2);
}

/** Wait some seconds, or until the signal is aborted. */
export async function sleep(seconds: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return;
  await new Promise<void>((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, seconds * 1000);
    signal?.addEventListener('abort', end);
  });
}
