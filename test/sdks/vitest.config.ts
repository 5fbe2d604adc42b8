import { defineConfig } from "vitest/config";

/** Not part of `npm test`, which installs nothing: `npm run test:sdks`. */
export default defineConfig({
  test: {
    include: ["test/sdks/*.test.ts"],
    globalSetup: ["test/sdks/install-sdks.ts"],
    testTimeout: 60_000,
    allowOnly: false,
  },
});
