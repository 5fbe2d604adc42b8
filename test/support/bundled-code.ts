import { globSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { bundle } from "../../infra/constructs/function-code.ts";

/** What a bundle loads before its handler is there, and on first use besides. */
export type BundledEntry = {
  /** What Lambda loads. */
  file: string;
  eagerBytes: number;
  lazyBytes: number;
  /** Source files and modules. */
  eager: string[];
  all: string[];
  /** What is loaded on first use of a source file, beside what is loaded by then. */
  firstUse: (file: string) => string[];
  /** Modules that are left to Lambda, which has none but Node's. */
  left: string[];
};

export type BundledCode = {
  entries: ReadonlyMap<string, BundledEntry>;
  /** Folder for Node's compile cache. */
  compiled: string;
  remove: () => void;
};

/**
 * All of `functions/on-aws`, bundled as they are deployed, in a folder outside the repository: what a bundle lacks, it
 * finds nowhere.
 */
export function bundledCode(): BundledCode {
  const folder = mkdtempSync(join(tmpdir(), "turnout-bundles-"));
  const repository = join(import.meta.dirname, "..", "..");
  const names = globSync("functions/on-aws/*.ts", { cwd: repository })
    .map((file) => basename(file, ".ts"))
    // What they share.
    .filter((name) => name !== "function-ports");
  const entries = new Map(names.sort().map((name) => [name, bundled(name, join(folder, name))]));
  return {
    entries,
    compiled: join(folder, "compiled"),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function bundled(name: string, outdir: string): BundledEntry {
  const { outputs } = bundle(name, outdir);
  const first = Object.keys(outputs).find((file) => outputs[file]?.entryPoint?.endsWith(`/${name}.ts`)) ?? "";
  const load = (file: string, into: Set<string>): Set<string> => {
    if (into.has(file)) return into;
    into.add(file);
    for (const { kind, path, external } of outputs[file]?.imports ?? []) {
      if (kind === "import-statement" && external !== true) load(path, into);
    }
    return into;
  };
  const loaded = load(first, new Set());
  const modulesOf = (files: Iterable<string>) => [
    ...new Set(
      [...files].flatMap((file) => {
        const { inputs = {}, imports = [] } = outputs[file] ?? {};
        return [...Object.keys(inputs), ...imports.flatMap(({ path, external }) => (external === true ? [path] : []))];
      }),
    ),
  ];
  const bytesOf = (files: Iterable<string>) => [...files].reduce((sum, file) => sum + (outputs[file]?.bytes ?? 0), 0);
  const files = Object.keys(outputs);
  return {
    file: join(outdir, `${name}.mjs`),
    eagerBytes: bytesOf(loaded),
    lazyBytes: bytesOf(files.filter((file) => !loaded.has(file))),
    eager: modulesOf(loaded),
    all: modulesOf(files),
    firstUse(module) {
      const chunk = files.find((file) => module in (outputs[file]?.inputs ?? {}));
      if (chunk === undefined) throw new Error(`${name} has no ${module}`);
      return modulesOf([...load(chunk, new Set())].filter((file) => !loaded.has(file)));
    },
    left: files.flatMap((file) =>
      (outputs[file]?.imports ?? []).flatMap(({ path, external }) => (external === true ? [path] : [])),
    ),
  };
}
