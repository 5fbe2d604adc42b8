import { isUtf8 } from "node:buffer";
import { readFile } from "node:fs/promises";
import { buffer } from "node:stream/consumers";
import { TurnoutError } from "../../../shared/domain/errors.ts";
import { type Read, readJson } from "../../../shared/domain/text/schema.ts";
import { usage } from "./options.ts";

/** A text that a command was given, and what to call it in errors. */
export type Input = { name: string; text: string };

/** Reads a file, or stdin for `-` or no name at all. @throws TurnoutError that names the file and what is wrong */
export async function readInput(file: string | undefined): Promise<Input> {
  if (file === undefined && process.stdin.isTTY) throw usage("Name a FILE, or pipe the text in.");
  const fromStdin = file === undefined || file === "-";
  const name = fromStdin ? "stdin" : file;
  const bytes = fromStdin ? await buffer(process.stdin) : await readFile(file).catch((error) => explain(file, error));
  if (!isUtf8(bytes)) throw new TurnoutError("failed", `${name} is not UTF-8 text. Save it as UTF-8.`);
  const text = bytes.toString("utf8");
  if (text.trim() === "") throw new TurnoutError("failed", `${name} is empty.`);
  return { name, text };
}

/** Reads one JSON value. */
export async function readJsonInput(file: string): Promise<{ name: string; value: unknown }> {
  const { name, text } = await readInput(file);
  return { name, value: mustRead(readJson(text.replace(/^\uFEFF/, "")), name) };
}

/** @throws TurnoutError `failed` that names the input and what is wrong with it */
export function mustRead<T>(result: Read<T>, name: string): T {
  if (!result.ok) throw new TurnoutError("failed", `${name}: ${result.problem}.`);
  return result.value;
}

function explain(file: string, error: unknown): never {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  if (code === "ENOENT") throw new TurnoutError("not found", `There is no file ${file}.`, { cause: error });
  if (code === "EISDIR") throw new TurnoutError("failed", `${file} is a folder. Name a file in it.`, { cause: error });
  if (code === "EACCES") throw new TurnoutError("not allowed", `${file} may not be read.`, { cause: error });
  const detail = error instanceof Error ? error.message : String(error);
  throw new TurnoutError("failed", `${file} can't be read: ${detail}.`, { cause: error });
}
