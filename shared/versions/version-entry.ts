import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { TurnoutError } from "../domain/errors.ts";
import { readCommand, VERSION_FILE } from "../domain/text/version-file.ts";
import type { CodeFolder } from "./version-folder.ts";

const DEFAULT_HANDLER = "index.handler";

/**
 * How the folder's code is entered: by the handler, or by the command of its `version.json`.
 * @throws TurnoutError `usage` when the file can't be read, or a handler is named beside a command
 */
export async function entryOf({ path, files }: CodeFolder, handler: string | undefined): Promise<string> {
  const named = handler ?? DEFAULT_HANDLER;
  if (!files.some((file) => file.path === VERSION_FILE)) return named;
  const file = join(path, VERSION_FILE);
  const command = readCommand(await readFile(file, "utf8"));
  if (!command.ok) {
    const example = '{ "command": ["python3", "handler.py"] }';
    throw new TurnoutError("usage", `${file}: ${command.problem}. Write it as ${example}.`);
  }
  if (command.value === undefined) return named;
  if (handler === undefined || handler === VERSION_FILE) return VERSION_FILE;
  throw new TurnoutError(
    "usage",
    `${path} has a ${VERSION_FILE} that names a command, so there is no handler '${handler}' to call. ` +
      "Leave the handler out, or take the command out of the file.",
  );
}
