import type { Read } from "./schema.ts";

// In V8 since 11.4 (Node 21), not yet in TypeScript's libraries.
const rawJson = JSON as unknown as { rawJSON(text: string): unknown; isRawJSON(value: unknown): boolean };

/**
 * Parses JSON text so that `JSON.stringify` writes every number back as it was: one that a JavaScript number would
 * change (`12345678901234567890`, `1e400`, `1.0`) becomes a raw JSON value, an object for which `isExactNumber` is
 * true. Recursive: check text from outside with `nestsDeeperThan` first.
 */
export function readExactJson(text: string): Read<unknown> {
  const keepNumber = (_key: string, value: unknown, context?: { source?: string }): unknown =>
    typeof value === "number" && context?.source !== undefined && String(value) !== context.source
      ? rawJson.rawJSON(context.source)
      : value;
  try {
    return { ok: true, value: JSON.parse(text, keepNumber) };
  } catch (error) {
    return { ok: false, problem: `not JSON: ${error instanceof Error ? error.message : String(error)}` };
  }
}

/** Whether `readExactJson` made this value of a number. */
export function isExactNumber(value: unknown): boolean {
  return rawJson.isRawJSON(value);
}
