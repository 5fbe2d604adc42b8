import { expect, test } from "vitest";
import { recoveryFromLock } from "../../scripts/bench/recovery.ts";

test("a state file that another process holds for longer than a write waits delays events, and hides none", async () => {
  const { health, seconds } = await recoveryFromLock(200, 7_000);
  expect(health).toBe(503);
  // Without the second try they would come back after the 90 minutes of their visibility.
  expect(seconds).toBeLessThan(600);
});
