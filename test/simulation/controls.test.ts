import { describe, expect, it } from "vitest";
import { controls } from "./controls.ts";
import { catchingSeed } from "./run-seeds.ts";

/** More than any control has ever needed. */
const SEEDS = 500;

describe("the checker", () => {
  it.each(Object.entries(controls).map(([name, { breaks }]) => [name, breaks]))("catches %s: %s", async (name) => {
    expect(await catchingSeed(name, SEEDS), `not caught by any seed from 1 to ${SEEDS}`).toBeDefined();
  });
});
