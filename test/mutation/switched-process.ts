import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { BaseSequencer, createVitest } from "vitest/node";
import type { Order } from "./switched-run.ts";

const { tests, files } = JSON.parse(readFileSync(String(process.env.MUTATION_ORDER), "utf8")) as Order;
const switched = new Map(files.map(({ file, code }) => [resolve(file), code]));

/** A mutant is killed soonest by its own file's tests, which come first. */
class AsGiven extends BaseSequencer {
  override async sort(specifications: Parameters<BaseSequencer["sort"]>[0]) {
    const place = ({ moduleId }: { moduleId: string }) => tests.findIndex((test) => resolve(test) === moduleId);
    return [...specifications].sort((a, b) => place(a) - place(b));
  }
}

const vitest = await createVitest(
  {
    watch: false,
    config: false,
    maxWorkers: 1,
    fileParallelism: false,
    isolate: false,
    reporters: [{}],
    // Of tests that take milliseconds: what a mutant never ends is waited for many times over.
    testTimeout: 4_000,
    fsModuleCache: false,
    root: process.cwd(),
    sequence: { sequencer: AsGiven },
    runner: fileURLToPath(new URL("./switching-runner.ts", import.meta.url)),
  },
  { plugins: [{ name: "mutants", enforce: "pre", load: (id) => switched.get(id.split("?")[0] as string) }] },
);
await vitest.standalone();
const project = vitest.getRootProject();
await vitest.runTestSpecifications(tests.map((test) => project.createSpecification(resolve(test))));
process.exit(0);
