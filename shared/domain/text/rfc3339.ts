const RFC3339 = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}):(\d{2})(\.\d+)?(Z|[+-]\d{2}:\d{2})$/i;

/**
 * Reads an RFC 3339 time. The text stays as it is, but for a leap second (`23:59:60Z`), which JavaScript doesn't know:
 * it becomes the second after it, as POSIX counts. Undefined where there is no such day or time.
 */
export function readRfc3339(text: string): string | undefined {
  const [, day, minutes, seconds, fraction = "", zone = ""] = RFC3339.exec(text) ?? [];
  const isLeap = seconds === "60";
  const local = `${day}T${minutes}:${isLeap ? "59" : seconds}`;
  const atMs = Date.parse(local + zone.toUpperCase());
  // The 30th of February would be read as the 2nd of March, and 24:00 as the next day.
  if (Number.isNaN(atMs) || new Date(`${local}Z`).toISOString().slice(0, 19) !== local) return undefined;
  if (!isLeap) return text;
  const after = new Date(atMs + 1_000).toISOString();
  return after.endsWith("T00:00:00.000Z") ? `${after.slice(0, 19)}${fraction}Z` : undefined;
}
