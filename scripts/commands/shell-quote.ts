import { environmentName } from "./environment-name.ts";

/**
 * A word as a shell reads it back. Characters that a terminal would act on (direction marks, say) are written as octal
 * bytes in `$'…'`, which bash, zsh and ksh know; everything else works in any POSIX shell.
 */
export function shellQuote(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  if (!/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(word)) return `'${word.replaceAll("'", "'\\''")}'`;
  const escaped = word.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, octal).replace(/'/g, "\\'");
  return `$'${escaped}'`;

  function octal(character: string): string {
    return [...Buffer.from(character)].map((byte) => `\\${byte.toString(8).padStart(3, "0")}`).join("");
  }
}

/**
 * A command line of Turnout's, for the same environment as this command's: it may be run in another shell, or by somebody
 * else. Undefined words are left out.
 */
export function commandLine(...words: readonly (string | undefined)[]): string {
  const given = words.filter((word): word is string => word !== undefined);
  const environment = environmentName();
  const where = environment === undefined ? [] : ["--env", environment];
  return ["turnout", ...[...where, ...given].map(shellQuote)].join(" ");
}
