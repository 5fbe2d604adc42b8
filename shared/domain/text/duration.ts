import type { Read } from "./schema.ts";

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 } as const;

/** Longest duration, in days: a hundred years. Added to today it is still a date that everything can write. */
const MAX_DAYS = 36_525;

/** Reads a duration such as `15m`, `90s`, `1h30m`, `3d` or `2w` in milliseconds. Never zero, at most 36,525 days. */
export function readDurationMs(text: string): Read<number> {
  if (!/^(?:\d+(?:ms|[smhdw]))+$/.test(text)) {
    return { ok: false, problem: "expected a duration such as 15m, 90s, 1h30m or 3d" };
  }
  let durationMs = 0;
  for (const [, amount = "", unit = "ms"] of text.matchAll(/(\d+)(ms|[smhdw])/g)) {
    durationMs += Number(amount) * UNIT_MS[unit as keyof typeof UNIT_MS];
  }
  if (durationMs === 0) return { ok: false, problem: "a duration can't be zero" };
  if (durationMs > MAX_DAYS * UNIT_MS.d) return { ok: false, problem: `a duration has at most ${MAX_DAYS} days` };
  return { ok: true, value: durationMs };
}

/** A duration as `readDurationMs` reads it, e.g. `1h30m`; `0s` for none. */
export function durationText(durationMs: number): string {
  const units = (["d", "h", "m", "s", "ms"] as const).map((unit) => [unit, UNIT_MS[unit]] as const);
  let left = Math.round(durationMs);
  let text = "";
  for (const [unit, ms] of units) {
    const count = Math.floor(left / ms);
    if (count > 0) text += `${count}${unit}`;
    left -= count * ms;
  }
  return text === "" ? "0s" : text;
}
