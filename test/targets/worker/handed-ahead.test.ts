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

it("events that are given ahead end as each of them does, in whatever way the others do", async () => {
  const { publish, send } = aWorkerTarget();
  publish(
    "1",
    `export const handler = async ({ n, fails, waitMs = 0 }) => {
       if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
       if (fails) throw new Error("no " + n);
     };`,
  );
  const worker = { concurrency: 1 };
  await send({ worker });
  const events = Array.from({ length: 60 }, (_, n) => ({ n, fails: n % 3 === 1, waitMs: n % 20 === 7 ? 5 : 0 }));
  const results = await Promise.all(events.map((event) => send({ event, worker })));
  expect(results.map((result) => (result.outcome === "failed" ? result.error.message : result.outcome))).toEqual(
    events.map(({ n, fails }) => (fails ? `no ${n}` : "done")),
  );
});

const BUSY = `export const handler = async ({ name, gate }) => { tell(name); while (gate && !open(gate)); };`;

it("events that are done are told so while the one after them keeps their thread busy", async () => {
  const { publish, send, open, told } = aWorkerTarget();
  publish("1", BUSY);
  const worker = { concurrency: 1 };
  await send({ event: { name: "first" }, worker });
  const before = ["a", "b", "c"].map((name) => send({ event: { name }, worker }));
  const busy = send({ event: { name: "busy", gate: "end" }, worker });
  for (const result of await Promise.all(before)) expect(result).toMatchObject({ outcome: "done" });
  open("end");
  expect(await busy).toMatchObject({ outcome: "done" });
  expect(told()).toEqual(["first", "a", "b", "c", "busy"]);
});

it("events that were done before one that keeps their thread busy for ever haven't failed, and aren't run again", async () => {
  const { publish, send, told } = aWorkerTarget();
  publish("1", BUSY);
  const worker = { concurrency: 1 };
  await send({ event: { name: "first" }, worker });
  const before = ["a", "b", "c"].map((name) => send({ event: { name }, worker }));
  const stuck = send({ event: { name: "stuck", gate: "never" }, worker, timeoutMs: 500 });
  const after = ["d", "e", "f"].map((name) => send({ event: { name }, worker }));
  expect(await stuck).toMatchObject({ outcome: "failed", error: { type: "Sandbox.Timedout" } });
  for (const result of await Promise.all([...before, ...after])) expect(result).toMatchObject({ outcome: "done" });
  expect(told()).toEqual(["first", "a", "b", "c", "stuck", "d", "e", "f"]);
});
