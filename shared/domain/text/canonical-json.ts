/**
 * JSON with object keys sorted by UTF-16 code unit, as RFC 8785 sorts them. Runs over the whole of every event: put
 * together by hand it costs half of what `JSON.stringify` per key and value does.
 * @param mayEscape false where no text in it has anything to escape, which looking for is most of the cost
 */
export function canonical(value: unknown, mayEscape = true): string {
  if (typeof value === "string") return quoted(value, mayEscape);
  if (typeof value === "number") return Number.isFinite(value) ? `${value}` : "null";
  if (typeof value !== "object" || value === null) return `${value}`;
  if (Array.isArray(value)) return `[${value.map((item) => canonical(item, mayEscape)).join()}]`;
  if (value instanceof ExactNumber) return value.text;
  const object = value as Record<string, unknown>;
  let fields = "";
  for (const key of sorted(Object.keys(object))) {
    fields += `${fields === "" ? "" : ","}${quoted(key, mayEscape)}:${canonical(object[key], mayEscape)}`;
  }
  return `{${fields}}`;
}

/** Most objects have a few keys, for which `sort` costs more to set up than to do. */
const FEW = 12;

/** In place. */
function sorted(keys: string[]): string[] {
  if (keys.length > FEW) return keys.sort();
  for (let end = 1; end < keys.length; end++) {
    const key = keys[end] as string;
    let at = end;
    for (; at > 0 && (keys[at - 1] as string) > key; at--) keys[at] = keys[at - 1] as string;
    keys[at] = key;
  }
  return keys;
}

/** Whether a text of what this JSON says may have something to escape: only an escape, or half a character, makes one. */
export function mayHaveEscapes(json: string): boolean {
  return json.includes("\\") || !json.isWellFormed();
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are the characters that JSON escapes
const NEEDS_ESCAPE = /["\\\u0000-\u001f\ud800-\udfff]/;

function quoted(text: string, mayEscape: boolean): string {
  return mayEscape && NEEDS_ESCAPE.test(text) ? JSON.stringify(text) : `"${text}"`;
}

/** A number that a double doesn't hold, as `digits e exponent` without zeros at either end. */
export class ExactNumber {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/**
 * The number itself where doubles tell it from every other number of as many digits: 15 digits within their range.
 * It depends on the number alone: the rest of the body (a new id, say) may have been what called for this.
 */
export function exactNumber(value: number, source: string): number | ExactNumber {
  const [, sign = "", whole = "", fraction = "", exponent = "0"] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(source) ?? [];
  const digits = whole + fraction;
  let first = 0;
  while (digits[first] === "0") first++;
  let end = digits.length;
  while (end > first && digits[end - 1] === "0") end--;
  const significant = end - first;
  const power = Number(exponent) - fraction.length + digits.length - end;
  if (significant === 0 || (significant <= 15 && Math.abs(power + significant) < 300)) return value;
  // Past 2^53 the sum itself would be inexact.
  return new ExactNumber(Math.abs(power) < 1e15 ? `${sign}${digits.slice(first, end)}e${power}` : source);
}
