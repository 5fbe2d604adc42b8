import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/support/dynamodb-local-setup.ts"],
    // Of two cores vitest takes one by itself; much of the time a test waits for processes of its own.
    maxWorkers: 2,
    // Real processes and worker threads on a 2-core machine: generous, so that a busy machine never fails a test.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    allowOnly: false,
  },
});
