import { expect, it } from "vitest";
import { aWorkerTarget } from "./versions-in-folders.ts";

/** Notes each beginning and end, so that it is seen what ran beside what. */
const waiting = `
  export const handler = async ({ name, waitMs = 0 }) => {
    if (name !== undefined) tell("begins " + name);
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    if (name !== undefined) tell("ends " + name);
  };`;

it("events that a quick thread is given ahead run one by one, in the order given", async () => {
  const { publish, send, told } = aWorkerTarget();
  publish("1", waiting);
  const worker = { concurrency: 1 };
  await send({ worker });
  const names = Array.from({ length: 40 }, (_, n) => String(n));
  const results = await Promise.all(names.map((name) => send({ event: { name }, worker })));
  expect(new Set(results.map(({ outcome }) => outcome))).toEqual(new Set(["done"]));
  expect(told()).toEqual(names.flatMap((name) => [`begins ${name}`, `ends ${name}`]));
});

it("events that were given ahead to a thread that then takes its time are run by another, and by it no more", async () => {
  const { publish, send, told } = aWorkerTarget();
  publish("1", waiting);
  const worker = { concurrency: 2 };
  // Both threads are there and quick.
  for (let round = 0; round < 5; round++) await Promise.all([send({ worker }), send({ worker })]);
  const slow = send({ event: { name: "slow", waitMs: 2_000 }, worker });
  const quick = Array.from({ length: 28 }, (_, n) => send({ event: { name: `quick ${n}` }, worker }));
  await Promise.all(quick);
  expect(told()).not.toContain("ends slow");
  await slow;
  // Whatever a thread still has in hand comes before what it is given now.
  await Promise.all([send({ worker }), send({ worker })]);
  const begun = told().filter((line) => line.startsWith("begins quick"));
  expect(begun.toSorted()).toEqual(quick.map((_, n) => `begins quick ${n}`).toSorted());
});

it("of events that were given ahead to a thread that ends, only the one that it ran has failed", async () => {
  const { publish, send } = aWorkerTarget();
  publish("1", `export const handler = async ({ exits = false }) => { if (exits) process.exit(1); };`);
  const worker = { concurrency: 1 };
  await send({ worker });
  const exiting = send({ event: { exits: true }, worker });
  const others = Array.from({ length: 10 }, () => send({ worker }));
  expect(await exiting).toMatchObject({ outcome: "failed", error: { type: "Runtime.ExitError" } });
  for (const other of others) expect(await other).toMatchObject({ outcome: "done" });
});
