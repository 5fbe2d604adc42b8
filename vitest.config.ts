import { globSync, readFileSync } from "node:fs";
import { defineConfig, type TestProjectInlineConfiguration } from "vitest/config";

/** Run by commands of their own: they need what others have made. */
const elsewhere = ["test/sdks/**", "test/browser/**"];

/** What builds the functions for Lambda: it goes with those that run them. */
const built = ["test/infra/bundles.test.ts"];

/** What needs DynamoDB Local, and so Java, by its calling `withDynamoDB`: `npm run test:dynamodb`. */
const onDynamoDB = [
  ...globSync("test/**/*.test.ts").filter((file) => readFileSync(file, "utf8").includes("withDynamoDB(")),
  ...built,
];

/** What starts, kills and waits for real processes: the longest, which begin first, as projects do by their names. */
const longest = ["test/scenarios/**/*.test.ts", "test/targets/{worker,process}/**/*.test.ts"];

/** A test that fails may take its time; one on a busy machine, whose processes get a tenth of a core, never fails for that. */
const PATIENCE_MS = 600_000;

const projects: TestProjectInlineConfiguration[] = [
  {
    extends: true,
    test: {
      name: "in this process",
      include: ["test/**/*.test.ts"],
      exclude: [...longest, ...elsewhere, ...onDynamoDB],
    },
  },
  { extends: true, test: { name: "all processes", include: longest, exclude: onDynamoDB } },
  { extends: true, test: { name: "on DynamoDB Local", include: onDynamoDB } },
];

export default defineConfig({
  test: {
    projects,
    // Files that a worker runs share its process, where loading zod, CDK and the SDK anew for each would take longer than
    // the tests: a test puts back what it changes of its process.
    isolate: false,
    testTimeout: PATIENCE_MS,
    hookTimeout: PATIENCE_MS,
    // Shorter, so that it is told what was waited for.
    expect: { poll: { timeout: PATIENCE_MS / 2 } },
    // For all of them: one temporary folder, and one DynamoDB Local.
    globalSetup: ["test/support/run-folder-setup.ts", "test/support/dynamodb-local-setup.ts"],
    // With room for what a simulation or a property makes and drops: collected less often, it costs a tenth less.
    execArgv: ["--max-semi-space-size=64"],
    // For two cores: half of the time a test waits, for a timer or for processes of its own.
    maxWorkers: 4,
    allowOnly: false,
  },
});
