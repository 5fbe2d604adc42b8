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
  // One file after the other, so that the first that fails is the last.
  for (const test of trial.tests) if ((await runOne(resolve(test))) === "failed") return "failed";
  return "passed";
}

async function runOne(test: string): Promise<Verdict> {
  const specification = vitest.getRootProject().createSpecification(test);
  vitest.state.clearErrors();
  // It answers with the modules of earlier runs as well.
  const { testModules, unhandledErrors } = await vitest.runTestSpecifications([specification]);
  const module = testModules.find(({ moduleId }) => moduleId === test);
  return module?.state() === "passed" && unhandledErrors.length === 0 ? "passed" : "failed";
}
