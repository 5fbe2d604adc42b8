import { globSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";

/** One reference from a file to a module. `from` is the specifier as written, `to` what it resolves to. */
export type Import = {
  from: string;
  /** A path from the repository's root, or the package or `node:` module as named. */
  to: string;
  /** `worker`: a TypeScript file named by `new URL("./x.ts", import.meta.url)`. */
  kind: "value" | "type" | "worker";
};

/** A file's text with its comments, string contents, templates and regular expressions taken out of the way. */
export type SourceFile = {
  path: string;
  /** Every string is replaced by `"N"`, its index in `strings`. */
  code: string;
  strings: string[];
  /** What stands in its strings and templates, for whoever looks for words. */
  texts: string[];
};

const repository = join(import.meta.dirname, "..", "..");

/** Every TypeScript file below the folders, by its path from the repository's root. */
export function sourceFiles(...folders: string[]): SourceFile[] {
  return folders
    .flatMap((folder) => globSync(`${folder}/**/*.ts`, { cwd: repository }))
    .map((path) => path.replaceAll("\\", "/"))
    .filter((path) => !path.includes("node_modules/"))
    .sort()
    .map((path) => sourceFile(path, readFileSync(join(repository, path), "utf8")));
}

// In order: comments, strings, templates (one inside another counts as two beside some code), regular expressions
// (a slash where no operand can have ended).
const OPAQUE =
  /\/\*[\s\S]*?\*\/|\/\/[^\n]*|("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')|`(?:\\[\s\S]|[^`\\])*`|(?<=(?:^|[=(,:[!&|?{};>\n]|return)\s*)\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[a-z]*/g;

export function sourceFile(path: string, text: string): SourceFile {
  const strings: string[] = [];
  const texts: string[] = [];
  const code = text.replace(OPAQUE, (found, string: string | undefined) => {
    if (string !== undefined || found.startsWith("`")) texts.push(found.slice(1, -1));
    if (string !== undefined) return `"${strings.push(string.slice(1, -1)) - 1}"`;
    return found.startsWith("/*") || found.startsWith("//") ? " " : "``";
  });
  return { path, code, strings, texts };
}

const REFERENCES: [kind: "import" | "worker", pattern: RegExp][] = [
  [
    "import",
    /(?<![\w$.])(?:import|export)(?<type>\s+type\b(?!\s*(?:,|from\s*")))?[\w$*{},\s]*?\bfrom\s*"(?<string>\d+)"/g,
  ],
  ["import", /(?<![\w$.])import\s*\(?\s*"(?<string>\d+)"/g],
  ["import", /\brequire\s*(?:\.\s*resolve\s*)?\(\s*"(?<string>\d+)"/g],
  ["import", /\bcreateRequire\s*\(\s*import\.meta\.\w+\s*\)\s*(?:\.\s*resolve\s*)?\(\s*"(?<string>\d+)"/g],
  ["worker", /\bnew\s+URL\s*\(\s*"(?<string>\d+)"\s*,\s*import\.meta\.url\s*,?\s*\)/g],
];

/** Everything that a file imports, statically or with a literal `import()`, and the worker files that it names. */
export function importsOf({ path, code, strings }: SourceFile): Import[] {
  const found = REFERENCES.flatMap(([kind, pattern]) =>
    [...code.matchAll(pattern)].map(({ groups }): Import => {
      const from = strings[Number(groups?.string)] ?? "";
      const to = from.startsWith(".") ? posix.join(posix.dirname(path), from) : from;
      return { from, to, kind: kind === "worker" ? kind : groups?.type === undefined ? "value" : "type" };
    }),
  );
  return found.filter(({ kind, to }) => kind !== "worker" || to.endsWith(".ts"));
}
