import { environmentName } from "./environment-name.ts";

/** Means the same to every shell without quotes. A word that begins with `=` is a command's path to zsh. */
const PLAIN = /^[\w@%+:,./-][\w@%+=:,./-]*$/;

/** What isn't seen, or isn't copied as it is: control characters, marks without a width, spaces that aren't the usual one. */
const UNSEEN = String.raw`[[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}]--\u0020]`;

/** The parts that a word is quoted in, each in its own way. A line end takes with it what follows; see `asSubstitution`. */
const PARTS = new RegExp(String.raw`['\\]|(?:\n+[^\n]|[${UNSEEN}--\n])+|[^'\\${UNSEEN}]+`, "gv");

/** The parts that have to be written as bytes. */
const SUBSTITUTED = new RegExp(UNSEEN, "v");

/**
 * Words as one line, which bash, zsh and dash read back as exactly these words when it is pasted, and in which everything
 * is seen. Only what can't be a word at all, half a surrogate pair and the character zero, becomes U+FFFD.
 */
export function shellLine(words: readonly string[]): string {
  const possible = words.map((word) => word.toWellFormed().replaceAll("\0", "\ufffd"));
  if (!possible.some((word) => word.endsWith("\n"))) return possible.map(shellQuote).join(" ");
  // A substitution loses line ends at its end, and there is no other way to write one: so it is the line that is
  // substituted, within which they stand in quotes.
  const quoted = possible.map((word) => (PLAIN.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`));
  return `eval ${asSubstitution(quoted.join(" "), /[^\w ./:=-]/gu)}`;
}

/** A command of Turnout's, word by word and without its own name. Undefined words are left out. */
export type CommandWords = readonly (string | undefined)[];

/**
 * A command line of Turnout's, for the same environment as this command's: it may be run in another shell, or by somebody
 * else.
 */
export function commandLine(...words: CommandWords): string {
  const given = words.filter((word): word is string => word !== undefined);
  const environment = environmentName();
  const where = environment === undefined ? [] : ["--env", environment];
  return shellLine(["turnout", ...where, ...given]);
}

/** One word. Quotes and backslashes stand outside of the quotes, where no shell or option of one reads them otherwise. */
function shellQuote(word: string): string {
  if (PLAIN.test(word)) return word;
  if (word === "") return "''";
  const parts = word.match(PARTS) ?? [];
  return parts
    .map((part) => {
      if (part === "'" || part === "\\") return `\\${part}`;
      return SUBSTITUTED.test(part) ? asSubstitution(part, /[\s\S]/gu) : `'${part}'`;
    })
    .join("");
}

/** Text written as what `printf` makes of it, with these characters as octal bytes. Dash knows no other escapes. */
function asSubstitution(text: string, escaped: RegExp): string {
  const octal = (character: string) =>
    [...Buffer.from(character)].map((byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("");
  return `"$(printf '${text.replace(escaped, octal)}')"`;
}
