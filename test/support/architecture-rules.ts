import { posix } from "node:path";
import { importsOf, type SourceFile } from "./source-code.ts";

/**
 * What the files of one room may import. `files` is a file, a folder (`shared/domain/`) or has one `*`. An import is a
 * file, a folder with all below it (`shared/domain/`), a package with its subpaths (`zod`), a scope (`@aws-sdk/`), a
 * `node:` module, all of them (`node:`), or `own folder`: whatever stands in the importing file's folder or below.
 */
export type Room = { files: string; may: readonly string[]; mayTypes?: readonly string[] };

/** Imports that the floor plan doesn't allow, and files that stand in no room. The first room that fits counts. */
export function importProblems(files: readonly SourceFile[], plan: readonly Room[]): string[] {
  return files.flatMap((file) => {
    const room = plan.find((candidate) => isIn(candidate.files, file.path));
    if (room === undefined) return [`${file.path} stands in no room of the floor plan`];
    return importsOf(file)
      .filter(({ to, kind }) => {
        const allowed = kind === "type" ? [...room.may, ...(room.mayTypes ?? [])] : room.may;
        return !allowed.some((entry) => covers(entry, to, file.path));
      })
      .map(({ from, kind }) => {
        const types = (room.mayTypes ?? []).map((entry) => `${entry} (types only)`);
        const named = kind === "type" ? "the types of " : "";
        return `${file.path} imports ${named}${from}; ${room.files} may import: ${[...room.may, ...types].join(", ")}`;
      });
  });
}

/**
 * Files of one name, which nobody could tell apart in a list of them, a stack trace or a search.
 * @param namesakes folders whose files are called after what they stand for, such as a command after its subject
 */
export function sharedNames(files: readonly SourceFile[], namesakes: readonly string[]): string[] {
  const named = files.filter(({ path }) => !namesakes.some((folder) => path.startsWith(folder)));
  const byName = Map.groupBy(named, ({ path }) => posix.basename(path));
  return [...byName.values()].filter((same) => same.length > 1).map((same) => same.map(({ path }) => path).join(", "));
}

function isIn(files: string, path: string): boolean {
  const [before = "", after] = files.split("*");
  if (after !== undefined) return path.startsWith(before) && path.endsWith(after);
  return files.endsWith("/") ? path.startsWith(files) : path === files;
}

function covers(entry: string, to: string, importer: string): boolean {
  if (entry === "own folder") return to.startsWith(`${posix.dirname(importer)}/`);
  if (entry.endsWith("/") || entry.endsWith(":")) return to.startsWith(entry);
  return to === entry || to.startsWith(`${entry}/`);
}

/** Import cycles, type imports included, each told once: `a.ts → b.ts → a.ts`. A worker's file is not an import. */
export function importCycles(files: readonly SourceFile[]): string[] {
  const importsByPath = new Map(
    files.map((file) => [
      file.path,
      importsOf(file)
        .filter(({ kind }) => kind !== "worker")
        .map(({ to }) => to),
    ]),
  );
  const cycles: string[] = [];
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) cycles.push([...trail.slice(start), path].join(" → "));
    if (start >= 0 || done.has(path)) return;
    for (const to of importsByPath.get(path) ?? []) visit(to, [...trail, path]);
    done.add(path);
  };
  for (const path of importsByPath.keys()) visit(path, []);
  return cycles;
}

/** Files that hold nothing but re-exports. */
export function barrels(files: readonly SourceFile[]): string[] {
  return files
    .filter(({ code }) => {
      const exports = /\bexport\b[\w$*{},\s]*?\bfrom\s*"\d+"\s*;?/g;
      return (
        exports.test(code) &&
        code
          .replace(exports, "")
          .replace(/\bimport\b[^;]*;/g, "")
          .trim() === ""
      );
    })
    .map(({ path }) => path);
}

/** Files below a folder whose name says nothing about what is in it. */
export function vagueFolders(files: readonly SourceFile[]): string[] {
  const vague = new Set(["utils", "util", "helpers", "common", "types"]);
  return files
    .map(({ path }) => path)
    .filter((path) =>
      posix
        .dirname(path)
        .split("/")
        .some((folder) => vague.has(folder)),
    );
}

/** A thing that files must not contain, by what it is called. */
export type Banned = { [name: string]: RegExp };

export const enums: Banned = { enum: /\benum\s+[\w$]+\s*\{/ };

/** Whatever makes a function answer differently for the same arguments, or wait. */
export const ambient: Banned = {
  "Date.now": /\bDate\s*\.\s*now\b/,
  "the date of today": /\bnew\s+Date\b(?!\s*\(\s*[^\s)])|(?<!\bnew\s+)\bDate\s*\(/,
  "Temporal.Now": /\bTemporal\s*\.\s*Now\b/,
  "Math.random": /\bMath\s*\.\s*random\b/,
  "the process": /\bprocess\s*[.[]/,
  "cryptographic chance": /\b(?:randomUUID|randomBytes|randomInt|randomFill|getRandomValues|generateKey)/,
  "a timer": /\bset(?:Timeout|Interval|Immediate)\b/,
  "a clock": /\bperformance\s*\.|\bhrtime\b/,
};

// By the names that vitest's functions have, or a test's context: a simulated clock may skip time.
export const skippedOrFocused: Banned = {
  "a skipped test":
    /\b(?:it|test|describe|suite|bench|context|ctx)(?:\s*\.\s*\w+)*\s*\.\s*(?:skip|skipIf|runIf|todo)\b|\bx(?:it|test|describe)\s*\(|\b(?:skip|todo)\s*:\s*true/,
  "a focused test":
    /\b(?:it|test|describe|suite|bench)(?:\s*\.\s*\w+)*\s*\.\s*only\b|\bf(?:it|describe)\s*\(|\bonly\s*:\s*true/,
};

export function bannedIn(files: readonly SourceFile[], banned: Banned): string[] {
  return files.flatMap(({ path, code }) =>
    Object.entries(banned)
      .filter(([, pattern]) => pattern.test(code))
      .map(([name]) => `${path} has ${name}`),
  );
}

/** A command of Turnout's, or an option within words: one that is a word by itself is a process's argument. */
const COMMAND_WORDS = /\bturnout [a-z]|(?<=[^-])--[a-z]|^--[a-z][\w-]*\s/;

/** Texts that tell a person what to type. */
export function commandWords(files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path, texts }) =>
    texts.filter((text) => COMMAND_WORDS.test(text)).map((text) => `${path} says: ${text}`),
  );
}
