import { type Read, readJson } from "./schema.ts";

/** The JSON text of one of several values, and where it stands: `line 3`, `item 2`, or empty for the only one. */
export type JsonItem = { text: string; where: string };

/**
 * Splits a text into the values in it: one value, the items of an array, or one value per line (NDJSON). Each keeps
 * its own text. Lines are not parsed here, so that each bad one can be told; bad JSON otherwise is a problem at once.
 */
export function splitJson(text: string): Read<JsonItem[]> {
  const said = text.replace(/^\uFEFF/, "");
  const json = said.trim();
  if (json === "") return { ok: false, problem: "is empty" };
  const whole = readJson(said.trimEnd());
  if (whole.ok && Array.isArray(whole.value)) {
    const items = itemsOf(json).map((item, index) => ({ text: item, where: `item ${index + 1}` }));
    return items.length === 0 ? { ok: false, problem: "is an empty array" } : { ok: true, value: items };
  }
  if (whole.ok) return { ok: true, value: [{ text: json, where: "" }] };
  const lines = linesOf(said);
  return json[0] !== "[" && lines.length > 1 && lines.some(isObjectText) ? { ok: true, value: lines } : whole;
}

function linesOf(text: string): JsonItem[] {
  return text
    .split("\n")
    .map((line, index) => ({ text: line.trim(), where: `line ${index + 1}` }))
    .filter((line) => line.text !== "");
}

/** Whether this could be a line of NDJSON rather than of one value that was written over several lines. */
function isObjectText({ text }: JsonItem): boolean {
  return text.startsWith("{") && text.endsWith("}") && readJson(text).ok;
}

/** The texts of an array's items. The array is known to be valid JSON. */
function itemsOf(array: string): string[] {
  const items: string[] = [];
  let depth = 0;
  let start = 1;
  const take = (end: number) => {
    const item = array.slice(start, end).trim();
    if (item !== "") items.push(item);
    start = end + 1;
  };
  for (let i = 0; i < array.length; i++) {
    const character = array[i];
    if (character === '"') i = endOfString(array, i);
    else if (character === "{" || character === "[") depth++;
    else if (character === "}" || character === "]") {
      if (--depth === 0) take(i);
    } else if (character === "," && depth === 1) take(i);
  }
  return items;
}

/** The position of the quote that ends the string which begins at `start`. */
function endOfString(json: string, start: number): number {
  let i = start + 1;
  while (json[i] !== '"') i += json[i] === "\\" ? 2 : 1;
  return i;
}
