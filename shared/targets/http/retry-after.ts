/** The longest that a server's own wish is obeyed: the longest delay that a component may have. */
const LONGEST_MS = 43_200_000;

/** When a server wants to be asked again: seconds or a date (RFC 9110, 10.2.3). Undefined where it doesn't say so. */
export function retryAfter(header: string | undefined, now: Date): Date | undefined {
  const text = header?.trim() ?? "";
  const ms = /^\d+$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - now.getTime();
  if (text === "" || Number.isNaN(ms)) return undefined;
  return new Date(now.getTime() + Math.min(LONGEST_MS, Math.max(0, ms)));
}
