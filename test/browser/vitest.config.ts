import { defineConfig } from "vitest/config";

/** Not part of `npm test`, which needs nothing beside what npm installs: `npm run test:browser` needs Chromium. */
export default defineConfig({
  test: {
    include: ["test/browser/*.test.ts"],
    globalSetup: ["test/support/run-folder-setup.ts"],
    // A server and a browser each: more of them at once would only wait for each other.
    maxWorkers: 1,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    allowOnly: false,
  },
});
