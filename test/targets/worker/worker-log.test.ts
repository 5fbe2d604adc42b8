import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { workerLog } from "../../../shared/targets/worker/worker-log.ts";
import { temporaryFolder } from "../../support/tmp.ts";
import { aWorkerTarget } from "./versions-in-folders.ts";

const TIME = "\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z";

describe("what a version writes", () => {
  it("is in its log, line by line, with the time and the request", async () => {
    const { publish, send, target, log } = aWorkerTarget();
    publish(
      "1",
      `console.log("loading");
      export const handler = async ({ id }) => {
        console.log("got", id);
        console.error("two\\nlines");
        process.stdout.write("no line break");
        process.stdout.write(Buffer.from("bytes\\n"));
      };`,
    );
    await send({ event: { id: 1 }, requestId: "r-1" });
    await target.close();
    const lines = log("1").trimEnd().split("\n");
    const pattern = new RegExp(`^${TIME} (.*)$`);
    expect(lines.map((line) => pattern.exec(line)?.[1]).toSorted()).toEqual([
      "- loading",
      "r-1 bytes",
      "r-1 got 1",
      "r-1 lines",
      "r-1 no line break",
      "r-1 two",
    ]);
  });

  it("says for which attempt of which event it was written, also where the event ends its thread", async () => {
    const { publish, send, target, log } = aWorkerTarget();
    publish(
      "1",
      "export const handler = async (_, { awsRequestId }) => { console.log(awsRequestId); process.exit(3); };",
    );
    await send({ requestId: "r-1", of: { eventId: "order 1", attempt: 2 } });
    await target.close();
    const lines = log("1").trimEnd().split("\n");
    expect(lines.map((line) => line.slice(25))).toEqual([
      "r-1#2#order%201 r-1",
      expect.stringMatching(/^r-1#2#order%201 Runtime.ExitError: /),
    ]);
  });

  it("belongs to the request that wrote it, however many run", async () => {
    const { publish, send, target, log } = aWorkerTarget();
    publish(
      "1",
      "export const handler = async ({ id }) => { for (let i = 0; i < 5; i++) console.log(id + '.' + i); };",
    );
    const ids = Array.from({ length: 200 }, (_, index) => `r-${index}`);
    // No more than four per thread, which may wait for as long as it takes.
    const some = () =>
      ids.splice(0, 12).map((id) => send({ event: { id }, requestId: id, worker: { concurrency: 3 } }));
    while (ids.length > 0) await Promise.all(some());
    await target.close();
    const lines = log("1").trimEnd().split("\n");
    expect(lines).toHaveLength(1_000);
    expect(lines.filter((line) => !/ (r-\d+) \1\.\d$/.test(line))).toEqual([]);
  });

  it("stays when the event times out", async () => {
    const { publish, send, target, log } = aWorkerTarget();
    publish("1", "export const handler = async () => { console.log('last words'); await new Promise(() => {}); };");
    await send({ timeoutMs: 1_500, requestId: "r-1" });
    await target.close();
    expect(log("1")).toMatch(new RegExp(`^${TIME} r-1 last words\n${TIME} r-1 Sandbox.Timedout: Task timed out`));
  });

  it("is dropped and counted where it is a flood", async () => {
    const { publish, send, target, log } = aWorkerTarget();
    publish(
      "1",
      `export const handler = async () => {
        const text = "x".repeat(1000);
        for (let i = 0; i < 100_000; i++) console.log(text);
        await new Promise((resolve) => process.stdout.once("drain", resolve));
      };`,
    );
    expect(await send()).toMatchObject({ outcome: "done" });
    await target.close();
    const [, dropped] = /- \((\d+) writes were dropped: the log couldn't keep up\)/.exec(log("1")) ?? [];
    const kept = log("1").split("x".repeat(1000)).length - 1;
    expect(Number(dropped) + kept).toBe(100_000);
    expect(log("1").length).toBeLessThan(3_000_000);
  });

  it("is cut where one write is a book, and calls back all the same", async () => {
    const { publish, send, target, log } = aWorkerTarget();
    publish(
      "1",
      "export const handler = () => new Promise((done) => process.stdout.write('x'.repeat(5e6), () => done()));",
    );
    expect(await send()).toMatchObject({ outcome: "done" });
    await target.close();
    expect(log("1")).toMatch(/x… \(4737856 more characters\)\n$/);
  });
});

describe("a log", () => {
  it("is put aside at 10 MB, with one predecessor kept", async () => {
    const file = join(temporaryFolder(), "logs", "1.log");
    const log = workerLog(file);
    const megabytes = Array.from({ length: 25 }, (_, index) => `${index} `.padEnd(1_000_000, "x"));
    log.take(Readable.from(megabytes));
    await log.close();
    const [current, before] = [readFileSync(file, "utf8"), readFileSync(`${file}.1`, "utf8")];
    expect(current).toMatch(/24 x*$/);
    expect(before.length).toBeLessThanOrEqual(10 * 1024 * 1024);
    expect(before.length).toBeGreaterThan(8_000_000);
    expect(megabytes.join("").endsWith(before + current)).toBe(true);
    expect(existsSync(`${file}.2`)).toBe(false);
  });

  it("is put aside at half of the size that it is given", async () => {
    const file = join(temporaryFolder(), "1.log");
    const log = workerLog(file, 2_000);
    log.take(Readable.from(["x".repeat(900), "y".repeat(900)]));
    await log.close();
    expect([readFileSync(file, "utf8"), readFileSync(`${file}.1`, "utf8")]).toEqual(["y".repeat(900), "x".repeat(900)]);
  });

  it("goes on where it was", async () => {
    const file = join(temporaryFolder(), "1.log");
    for (const text of ["one", "two"]) {
      const log = workerLog(file);
      log.note(new Date(0), undefined, text);
      await log.close();
    }
    expect(readFileSync(file, "utf8")).toBe("1970-01-01T00:00:00.000Z - one\n1970-01-01T00:00:00.000Z - two\n");
  });

  it("a log that can't be written is told once, and deliveries go on", async () => {
    const complain = vi.spyOn(process.stderr, "write").mockReturnValue(true);
    onTestFinished(() => complain.mockRestore());
    const logs = join(temporaryFolder(), "file");
    writeFileSync(logs, "");
    const { publish, send, target } = aWorkerTarget({ logs });
    publish("1", "export const handler = async ({ n }) => { console.log(n); if (n === 3) throw new Error('no'); };");
    const outcomes: string[] = [];
    for (const n of [1, 2, 3, 4]) outcomes.push((await send({ event: { n } })).outcome);
    await target.close();
    expect(outcomes).toEqual(["done", "done", "failed", "done"]);
    expect(complain.mock.calls.map(([text]) => text)).toEqual([
      expect.stringMatching(/1\.log can't be written \(ENOTDIR/),
    ]);
    expect(statSync(logs).size).toBe(0);
  });
});

describe("what could make a terminal do something", () => {
  it("is in the log as an escape, whether a version wrote it, threw it or was asked by it", async () => {
    const { publish, send, target, log } = aWorkerTarget();
    publish(
      "1",
      `export const handler = async ({ id }) => {
        console.log("\\u001b[31mred\\u0007", id, "a\\rb");
        throw new Error("\\u001b]0;title\\u0007");
      };`,
    );
    await send({ event: { id: "\u001b[2J" }, requestId: "r-\u001b[1m" });
    await target.close();
    const text = log("1");
    expect(text).toContain("\\u001b[31mred\\u0007 \\u001b[2J a\\u000db");
    expect(text).toContain("r-\\u001b[1m");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be there.
    expect(text.match(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/)).toBeNull();
  });
});
