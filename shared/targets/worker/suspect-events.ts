import type { Send } from "../target.ts";

/** How long it is remembered: longer than most deliveries are tried. */
const REMEMBERED_FOR_MS = 86_400_000;
const MOST_REMEMBERED = 10_000;

/** Once may be bad luck. */
const MOST_TIMES_BESIDE = 1;

type Named = Pick<Send, "idempotencyKey">;

export type SuspectEvents = ReturnType<typeof suspectEvents>;

/**
 * Events that are to be run alone when they come again: those that ran together in a host that ended by itself, any of
 * which may have been why, and those that were there again when a host had to be ended because of another event. Alone,
 * what becomes of them is their own doing, and counts.
 */
export function suspectEvents() {
  const known = new Map<string, { until: number; beside: number }>();

  function note({ idempotencyKey }: Named, at: Date, beside: number): void {
    known.delete(idempotencyKey);
    known.set(idempotencyKey, { until: at.getTime() + REMEMBERED_FOR_MS, beside });
    // The one that was noted longest ago comes first.
    for (const [key, { until }] of known) {
      if (until > at.getTime() && known.size <= MOST_REMEMBERED) break;
      known.delete(key);
    }
  }

  return {
    /** It may be why a host ended. */
    suspect(send: Named, at: Date): void {
      note(send, at, MOST_TIMES_BESIDE + 1);
    },
    /** A host was ended under it because of another one. */
    wasBeside(send: Named, at: Date): void {
      note(send, at, (known.get(send.idempotencyKey)?.beside ?? 0) + 1);
    },
    has({ idempotencyKey }: Named, at: Date): boolean {
      const found = known.get(idempotencyKey);
      return found !== undefined && found.until > at.getTime() && found.beside > MOST_TIMES_BESIDE;
    },
    /** It has run alone. */
    acquit({ idempotencyKey }: Named): void {
      known.delete(idempotencyKey);
    },
  };
}
