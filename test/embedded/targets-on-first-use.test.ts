import { isBuiltin } from "node:module";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { expect, it } from "vitest";

const REPOSITORY = fileURLToPath(new URL("../..", import.meta.url));

/** The files of `shared/targets` that are loaded with this one of the repository, before anything of it is used. */
async function targetsLoadedWith(file: string): Promise<string[]> {
  const { metafile } = await build({
    absWorkingDir: REPOSITORY,
    entryPoints: [file],
    outdir: "nowhere",
    format: "esm",
    platform: "node",
    packages: "external",
    ...{ bundle: true, splitting: true, metafile: true, write: false },
  });
  const loaded = new Set<string>();
  const load = (of: string) => {
    if (loaded.has(of)) return;
    loaded.add(of);
    for (const { path, kind } of metafile.inputs[of]?.imports ?? []) {
      if (kind === "import-statement" && !isBuiltin(path)) load(path);
    }
  };
  load(file);
  return [...loaded].filter((path) => path.startsWith("shared/targets/")).sort();
}

it("a server loads nothing of URLs, programs and services of AWS before an event is for one", async () => {
  const loaded = await targetsLoadedWith("scripts/embedded/server-targets.ts");
  expect(loaded).toContain("shared/targets/worker/worker-target.ts");
  expect(loaded.filter((path) => /\/(http|process)\/|-target\.ts$/.test(path))).toEqual([
    "shared/targets/laptop-target.ts",
    "shared/targets/worker/worker-target.ts",
  ]);
});

it("the process of a version in JavaScript loads nothing of programs in other languages", async () => {
  const loaded = await targetsLoadedWith("shared/targets/worker/host-process.ts");
  expect(loaded.length).toBeGreaterThan(1);
  expect(loaded.filter((path) => path.includes("/process/"))).toEqual([]);
});
