import * as z from "zod/mini";
import { type Read, read, readJson } from "./schema.ts";

/** A folder with this file is a version in any language: it names the command that is started, and stands for a handler. */
export const VERSION_FILE = "version.json";

const word = z.string().check(z.minLength(1), z.maxLength(4_096));

/** The command is started in the version's folder; a path in it is relative to that folder. */
const VersionFile = z.strictObject({ command: z.array(word).check(z.minLength(1), z.maxLength(256)) });

export type VersionCommand = [program: string, ...options: string[]];

/** The command that a `version.json` names; undefined for a file that names none, and so is the code's own. */
export function readCommand(json: string): Read<VersionCommand | undefined> {
  const parsed = readJson(json);
  if (!parsed.ok) return parsed;
  const { value } = parsed;
  if (typeof value !== "object" || value === null || !("command" in value)) return { ok: true, value: undefined };
  const found = read(VersionFile, value);
  if (!found.ok) return found;
  const [program = "", ...options] = found.value.command;
  return { ok: true, value: [program, ...options] };
}
