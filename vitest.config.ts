import { defineConfig, type TestProjectInlineConfiguration } from "vitest/config";

/**
 * What only computes, and CDK's stacks: the files of a worker share a process, as loading zod and CDK anew for each would
 * take longer than the tests. All others have a process each.
 */
const together = ["domain", "flows", "infra"].map((room) => `test/${room}/**/*.test.ts`);

/** Real processes and worker threads on a 2-core machine: generous, so that a busy machine never fails a test. */
const timeouts = { testTimeout: 60_000, hookTimeout: 60_000 };

const projects: TestProjectInlineConfiguration[] = [
  { test: { name: "together", include: together, isolate: false, ...timeouts } },
  { test: { name: "apart", include: ["test/**/*.test.ts"], exclude: [...together, "test/sdks/**"], ...timeouts } },
];

export default defineConfig({
  test: {
    projects,
    // For all of them: one temporary folder, and one DynamoDB Local.
    globalSetup: ["test/support/run-folder-setup.ts", "test/support/dynamodb-local-setup.ts"],
    // For two cores: a third of the time a test waits, for a timer or for processes of its own.
    maxWorkers: 3,
    allowOnly: false,
  },
});
