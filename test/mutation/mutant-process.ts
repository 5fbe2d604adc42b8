import { resolve } from "node:path";
import { createVitest } from "vitest/node";

/** What is asked of the process: run these tests, with the file's text replaced, or as it is. */
export type Trial = { tests: readonly string[]; file?: string; code?: string };
export type Verdict = "passed" | "failed";

let replaced: Trial = { tests: [] };

/** Kept warm between trials, which saves the second that Vitest takes to start. */
const vitest = await createVitest(
  {
    watch: false,
    config: false,
    maxWorkers: 1,
    // All in one process, which starts anew with each trial, and the first failure ends it.
    isolate: false,
    bail: 1,
    reporters: [{}],
    testTimeout: 30_000,
    fsModuleCache: false,
    root: process.cwd(),
  },
  {
    plugins: [
      {
        name: "mutant",
        enforce: "pre",
        load(id) {
          const isReplaced = replaced.file !== undefined && id.split("?")[0] === resolve(replaced.file);
          return isReplaced ? replaced.code : undefined;
        },
      },
    ],
  },
);
await vitest.standalone();

process.on("message", (trial: Trial) => {
  void run(trial).then((verdict) => process.send?.(verdict));
});
process.send?.("ready");

async function run(trial: Trial): Promise<Verdict> {
  const files = [replaced.file, trial.file].filter((file) => file !== undefined);
  replaced = trial;
  for (const file of files) vitest.invalidateFile(resolve(file));
  const [project, paths] = [vitest.getRootProject(), trial.tests.map((test) => resolve(test))];
  vitest.state.clearErrors();
  // It answers with the modules of earlier runs as well.
  const { testModules, unhandledErrors } = await vitest.runTestSpecifications(
    paths.map((path) => project.createSpecification(path)),
  );
  const passed = new Set(testModules.filter((module) => module.state() === "passed").map(({ moduleId }) => moduleId));
  return paths.every((path) => passed.has(path)) && unhandledErrors.length === 0 ? "passed" : "failed";
}
