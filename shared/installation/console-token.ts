import { createHash, timingSafeEqual } from "node:crypto";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import * as z from "zod/mini";
import { TurnoutError } from "../domain/errors.ts";
import { read, readJson } from "../domain/text/schema.ts";
import { makePrivateFile } from "../sqlite/state-folder.ts";

/** A token as it is kept: whoever reads the file can't use it. */
const KeptToken = z.object({
  hash: z.string(),
  role: z.enum(["viewer", "operator", "on-call"]),
  /** Who has it: what they change is logged under this name. */
  name: z.string(),
  expiresAt: z.iso.datetime(),
});
export type KeptToken = z.infer<typeof KeptToken>;

const KeptTokens = z.array(KeptToken);

/** More than this many are forgotten, those that end first. */
const MOST_TOKENS = 1_000;

/** How long whoever makes a token waits for those who make one just now. */
const LOCK_TIMEOUT_MS = 10_000;

/** A new token: what its owner is given once, and what is kept of it. */
export function newConsoleToken(
  secret: Buffer,
  { role, name, expiresAt }: { role: KeptToken["role"]; name: string; expiresAt: Date },
): { token: string; kept: KeptToken } {
  const token = secret.toString("base64url");
  return { token, kept: { hash: hashOf(token), role, name, expiresAt: expiresAt.toISOString() } };
}

/** The token's row, if it is one of these and hasn't expired. Takes as long for a wrong one as for a right one. */
export function tokenNamed(token: string, kept: readonly KeptToken[], now: Date): KeptToken | "expired" | undefined {
  const hash = Buffer.from(hashOf(token));
  let found: KeptToken | undefined;
  for (const each of kept) {
    const other = Buffer.from(each.hash);
    if (other.length === hash.length && timingSafeEqual(other, hash)) found = each;
  }
  return found !== undefined && Date.parse(found.expiresAt) <= now.getTime() ? "expired" : found;
}

/**
 * The tokens of a state folder. They are read each time: one that is taken away counts no more.
 * @throws TurnoutError `failed` when the file isn't one of tokens
 */
export function readTokens(home: string): KeptToken[] {
  const file = tokensFile(home);
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw new TurnoutError("failed", `${file} can't be read: ${error instanceof Error ? error.message : error}.`);
  }
  if (text === "") return [];
  const json = readJson(text);
  const tokens = json.ok ? read(KeptTokens, json.value) : json;
  if (tokens.ok) return tokens.value;
  throw new TurnoutError("failed", `${file} isn't a file of tokens: ${tokens.problem}.`, {
    remedies: ["delete it: the next token that is made makes another"],
  });
}

/** Adds a token to those of a state folder. What has expired goes. */
export function keepToken(home: string, kept: KeptToken, now: Date): void {
  alone(home, () => addToken(tokensFile(home), home, kept, now));
}

/** One at a time, in whichever processes: of two that read the same tokens, one would lose the token of the other. */
function alone(home: string, add: () => void): void {
  const file = join(home, "console-tokens.lock");
  makePrivateFile(file);
  const lock = new DatabaseSync(file, { timeout: LOCK_TIMEOUT_MS });
  try {
    lock.exec("BEGIN EXCLUSIVE");
    add();
  } finally {
    lock.close();
  }
}

function addToken(file: string, home: string, kept: KeptToken, now: Date): void {
  const valid = readTokens(home).filter(({ expiresAt }) => Date.parse(expiresAt) > now.getTime());
  const all = [...valid, kept].sort((a, b) => b.expiresAt.localeCompare(a.expiresAt)).slice(0, MOST_TOKENS);
  makePrivateFile(file);
  const written = `${file}.new`;
  writeFileSync(written, JSON.stringify(all, undefined, 1), { mode: 0o600 });
  renameSync(written, file);
}

function tokensFile(home: string): string {
  return join(home, "console-tokens.json");
}

function hashOf(token: string): string {
  return createHash("sha256").update(token).digest("base64url");
}
