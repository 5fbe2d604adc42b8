import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { extname, join } from "node:path";
import type { Readable } from "node:stream";
import { finished } from "node:stream/promises";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import type { WorkerSettings } from "../../domain/routing/component.ts";
import { filesOfHandler, readHandler } from "../../domain/text/handler.ts";
import type { LoadProblem, NewCode } from "../../versions/version-catalog.ts";
import { startHost } from "./host.ts";
import { environmentOf, INIT_TIMEOUT_MS } from "./host-environment.ts";
import { findWalls } from "./host-walls.ts";
import type { WorkerLog } from "./worker-log.ts";

/** What the code writes while it is loaded is kept so far: only the place of its failure is looked for in it. */
const MAX_WRITTEN_CHARACTERS = 262_144;

/** Files that are looked through for a syntax error whose place Node doesn't tell: a process each, for 40 ms. */
const MOST_FILES_PARSED = 100;
const PARSE_TIMEOUT_MS = 5_000;

/**
 * Loads code in a host as the first event for it would be: behind the same walls, with the component's memory and
 * environment, and as much time. The host ends with this process, however that ends.
 * @returns what keeps it from being loaded, and where; undefined when its handler could be called
 */
export async function loadCode(
  code: NewCode,
  { memoryMb, environment: own }: WorkerSettings,
  { initTimeoutMs = INIT_TIMEOUT_MS, now = () => new Date() } = {},
): Promise<LoadProblem | undefined> {
  const hosted = { ...code, memoryMb, concurrency: 1, initTimeoutMs };
  const written = writtenText();
  const environment = environmentOf(hosted, own);
  const host = startHost({ code: hosted, environment, walls: await findWalls(), log: written.log, now });
  const loaded = await host.startThread().loaded;
  await host.stop();
  if (loaded === "ready") return undefined;
  if (loaded === "interrupted") return { type: "Runtime.ExitError", message: "the process ended before it was loaded" };
  const inside = within(code.folder);
  const { type, message } = loaded;
  return {
    type,
    message: inside.strip(message).replaceAll(/\s*\n\s*/g, " "),
    ...(await placeOf(code, loaded, await written.text())),
  };
}

/** A log that is kept in memory, of which the beginning is enough. */
function writtenText(): { log: WorkerLog; text(): Promise<string> } {
  const ends: Promise<unknown>[] = [];
  let text = "";
  const add = (more: string) => {
    if (text.length < MAX_WRITTEN_CHARACTERS) text += more;
  };
  const take = (output: Readable) => {
    output.on("data", (chunk: Buffer) => add(chunk.toString()));
    ends.push(finished(output, { writable: false }).catch(() => {}));
  };
  const log: WorkerLog = {
    take,
    takeUntagged: take,
    note: (_at, _requestId, noted) => add(`${noted}\n`),
    close: () => Promise.resolve(),
  };
  return { log, text: () => Promise.all(ends).then(() => text) };
}

type Place = { file?: string; line?: number };

async function placeOf(code: NewCode, { type, message }: LoadProblem, written: string): Promise<Place> {
  const inside = within(code.folder);
  const seen = inside.firstPlace(written) ?? importPlace(code.folder, inside.strip(message));
  if (seen !== undefined) return seen;
  const file = handlerFile(code);
  const parsed = type === "Runtime.UserCodeSyntaxError" ? await syntaxErrorPlace(code, message, file) : undefined;
  return parsed ?? (file === undefined ? {} : { file });
}

/** A file in the folder and a line of it, as in the stacks of most languages and in Python's. */
const PLACE = /^([^:?"]+)(?::|", line )(\d+)/;

/** Finds and strips the folder in what Node says, as a path and as a URL. */
function within(folder: string) {
  const roots = [`${pathToFileURL(folder).href}/`, `${folder}/`];
  return {
    strip: (text: string) => roots.reduce((rest, root) => rest.replaceAll(root, ""), text),
    firstPlace(text: string): Place | undefined {
      for (const line of text.split("\n")) {
        for (const root of roots) {
          const begin = line.indexOf(root);
          const [, path, number] = PLACE.exec(begin < 0 ? "" : line.slice(begin + root.length)) ?? [];
          if (path === undefined) continue;
          return { file: root.startsWith("file:") ? decodeURI(path) : path, line: Number(number) };
        }
      }
      return undefined;
    },
  };
}

/** Node says of an import that leads nowhere in which file it stands, and not in which line. */
function importPlace(folder: string, message: string): Place | undefined {
  const [, what = "", file] = /^Cannot find \w+ '([^']+)' imported from (\S.*)$/m.exec(message) ?? [];
  if (file === undefined || !existsSync(join(folder, file))) return undefined;
  const name = what.slice(what.lastIndexOf("/") + 1);
  const lines = readFileSync(join(folder, file), "utf8").split("\n");
  const line = lines.findIndex((text) => text.includes(name)) + 1;
  return { file, ...(line > 0 && { line }) };
}

function handlerFile({ folder, handler }: NewCode): string | undefined {
  const parsed = readHandler(handler);
  return parsed.ok ? filesOfHandler(parsed.value).find((path) => existsSync(join(folder, path))) : undefined;
}

/** Of a module's syntax error Node tells nothing but the message: the file is the one that it says the same of. */
async function syntaxErrorPlace({ folder }: NewCode, message: string, first = ""): Promise<Place | undefined> {
  const all = (await readdir(folder, { recursive: true })).filter((path) => /^\.[cm]?js$/.test(extname(path)));
  const rank = (path: string) => (path === first ? 0 : path.includes("node_modules") ? 2 : 1);
  const files = all.sort((a, b) => rank(a) - rank(b)).slice(0, MOST_FILES_PARSED);
  for (const file of files) {
    const [, line, said] = (await syntaxError(join(folder, file))) ?? [];
    if (said !== undefined && message.startsWith(said)) return { file, line: Number(line) };
  }
  return undefined;
}

/** Parses one file, and runs nothing of it. */
async function syntaxError(path: string): Promise<RegExpExecArray | null> {
  const parsing = promisify(execFile)(process.execPath, ["--check", path], { env: {}, timeout: PARSE_TIMEOUT_MS });
  const { stderr } = await parsing.catch((error: { stderr?: unknown }) => ({ stderr: String(error.stderr ?? "") }));
  return /^[^\n]*:(\d+)\n.*?^SyntaxError: ([^\n]*)$/ms.exec(stderr);
}
