import { join } from "node:path";
import { expect, it } from "vitest";
import { temporaryFolder } from "../support/tmp.ts";
import { fuzzFrontDoor } from "./fuzz-front-door.ts";

it("The front door is alive after fuzzed inputs, has lost nothing and taken nothing wrongly", async () => {
  const home = join(temporaryFolder(), "state");
  const result = await fuzzFrontDoor({ home, inputs: 400, seed: 11, seconds: Infinity });
  expect(result.problems).toEqual([]);
  expect(result.accepted).toBeGreaterThan(100);
  expect(result.refused).toBeGreaterThan(50);
});
