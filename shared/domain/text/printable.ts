/**
 * What nobody sees, or a terminal acts on: control characters, direction marks, whatever has no width, line ends other
 * than `\n`, and half surrogates.
 */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/** Text from outside, safe on a terminal: what is not seen there is shown as escapes. */
export function printable(text: string): string {
  return text.replace(UNSEEN, (character) => {
    const digits = (character.codePointAt(0) ?? 0).toString(16).padStart(4, "0");
    return digits.length > 4 ? `\\u{${digits}}` : `\\u${digits}`;
  });
}

/** The same of a text in JSON, which means the same afterwards. */
export function printableJson(json: string): string {
  return json.replace(UNSEEN, (character) => {
    const units = Array.from({ length: character.length }, (_, at) => character.charCodeAt(at));
    return units.map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`).join("");
  });
}
