import { CloudWatchLogsClient } from "@aws-sdk/client-cloudwatch-logs";
import { describe, expect, it, onTestFinished } from "vitest";
import { cloudWatchVersionLogs } from "../../shared/version-logs/cloudwatch-version-logs.ts";
import type { LogLine, LogQuery } from "../../shared/version-logs/version-logs.ts";
import { cloudWatchLogsStub } from "../support/cloudwatch-logs-stub.ts";

const at = (second: number) => new Date(Date.UTC(2026, 10, 20, 10, 0, second));
const always = { from: at(0), to: at(60) };
const ID = "79a4b3c1-0000-4000-8000-00000000000";
const [GROUP, OTHER] = ["/aws/lambda/acme-mailer", "/aws/lambda/acme-mailer-beta"];
const [ROUTER, OUTCOMES] = ["/aws/lambda/prod-turnout-router", "/aws/lambda/prod-turnout-outcomes"];

/** What a router prints of a delivery. */
const delivery = (requestId: string, eventId: string, attempt = 1, component = "mailer") =>
  JSON.stringify({ "cloudevents.event_id": eventId, component, attempt, request_id: requestId });

type Told = { groups?: string[]; now?: () => Date; onWait?: () => void };

async function logsOfMailer({ groups = [GROUP], now = () => at(60), onWait = () => {} }: Told = {}) {
  const stub = await cloudWatchLogsStub();
  const credentials = { accessKeyId: "turnout", secretAccessKey: "turnout" };
  const client = new CloudWatchLogsClient({ endpoint: stub.endpoint, region: "eu-west-1", credentials });
  onTestFinished(() => client.destroy());
  const wait = async () => onWait();
  const logs = cloudWatchVersionLogs({
    client,
    groupsOf: async () => groups,
    deliveryLinesOf: async () => ({ groups: [ROUTER, OUTCOMES], withinMs: 30_000 }),
    now,
    wait,
  });
  const read = (query: Partial<LogQuery> = {}, window = always): Promise<LogLine[]> =>
    Array.fromAsync(logs.lines({ component: "mailer", ...query }, window));
  return { ...stub, logs, read };
}

const texts = (lines: readonly LogLine[]) => lines.map(({ text }) => text);

describe("a component's logs in CloudWatch", () => {
  it("are read group by group and page by page, as one, without what Lambda says of itself", async () => {
    const { read, write, asked } = await logsOfMailer({ groups: [GROUP, OTHER, "/aws/lambda/never-called"] });
    write(GROUP, at(1), "23", `START RequestId: ${ID}1 Version: 23\n`);
    write(GROUP, at(2), "23", `2026-11-20T10:00:02.000Z\t${ID}1\tINFO\tlooks for the release\n`);
    write(OTHER, at(3), "22", `{"timestamp":"2026","level":"INFO","requestId":"${ID}2","message":"in JSON"}`);
    write(GROUP, at(4), "23", `2026-11-20T10:00:04.000Z ${ID}1 Task timed out after 3.00 seconds`);
    write(GROUP, at(5), "24", `[INFO]\t2026-11-20T10:00:05.000Z\t${ID}3\tof Python`);
    write(GROUP, at(6), "24", "of nobody\rin two lines\n");
    write(GROUP, at(7), "23", `END RequestId: ${ID}1\n`);
    write(GROUP, at(60), "23", "past the window");
    expect(await read()).toEqual([
      { at: at(2), version: "23", requestId: `${ID}1`, text: "INFO looks for the release" },
      { at: at(3), version: "22", requestId: `${ID}2`, text: expect.stringContaining("in JSON") },
      { at: at(4), version: "23", requestId: `${ID}1`, text: expect.stringContaining("Task timed out") },
      { at: at(5), version: "24", requestId: `${ID}3`, text: expect.stringContaining("of Python") },
      { at: at(6), version: "24", text: "of nobody" },
      { at: at(6), version: "24", text: "in two lines" },
    ]);
    expect(asked.length).toBeGreaterThan(4);
    expect((await read({ version: "22" })).map(({ version }) => version)).toEqual(["22"]);
  });

  it("have the event and the attempt that a router's line tells of the request, also where a line names none", async () => {
    const { read, write, deny } = await logsOfMailer();
    write(GROUP, at(1), "23", `START RequestId: ${ID}1 Version: 23\n`);
    write(GROUP, at(2), "23", "segmentation fault");
    write(GROUP, at(3), "23", `RequestId: ${ID}1 Error: Runtime exited with error: signal: killed`);
    write(GROUP, at(4), "23", `END RequestId: ${ID}1\n`);
    write(GROUP, at(5), "23", "between requests");
    write(GROUP, at(6), "23", `2026-11-20T10:00:06.000Z\t${ID}2\tINFO\tof a call by hand`);
    write(GROUP, at(7), "23", `2026-11-20T10:00:07.000Z\t${ID}3\tINFO\tlater`);
    write(OUTCOMES, at(9), "1", delivery(`${ID}3`, "a b#ü", 2));
    write(ROUTER, at(4), "1", delivery(`${ID}2`, "another component's", 1, "billing"));
    write(ROUTER, at(5), "1", delivery(`${ID}1`, "order-1"));
    write(ROUTER, at(6), "1", "not in JSON");
    const whose = (lines: LogLine[]) => lines.map(({ eventId, attempt, requestId }) => [eventId, attempt, requestId]);
    expect(whose(await read())).toEqual([
      ["order-1", 1, `${ID}1`],
      ["order-1", 1, `${ID}1`],
      [undefined, undefined, undefined],
      [undefined, undefined, `${ID}2`],
      ["a b#ü", 2, `${ID}3`],
    ]);
    deny(ROUTER);
    expect(whose(await read()).map(([eventId]) => eventId)).toEqual([...Array(4).fill(undefined), "a b#ü"]);
  });

  it("are read beside the deliveries' lines without reading these twice, or further than they may come", async () => {
    const { read, write, asked } = await logsOfMailer();
    for (let n = 0; n < 20; n++) {
      write(GROUP, at(n), "23", `2026\t${ID.slice(0, -1)}${n + 10}\tINFO\tof event ${n}`);
      if (n !== 10) write(ROUTER, at(n + 1), "1", delivery(`${ID.slice(0, -1)}${n + 10}`, `event-${n}`));
    }
    const lines = await read();
    expect(lines.map(({ eventId }) => eventId)).toEqual(
      Array.from({ length: 20 }, (_, n) => (n === 10 ? undefined : `event-${n}`)),
    );
    expect(asked.filter(({ logGroupName }) => logGroupName === ROUTER)).toHaveLength(10);
    // Two events a page: what is printed in the first two seconds needs two pages of it, and not all.
    asked.splice(0);
    await read({}, { from: at(0), to: at(2) });
    expect(asked.filter(({ logGroupName }) => logGroupName === ROUTER).length).toBeLessThanOrEqual(2);
  });

  it("are asked for the requests that are wanted, twenty at a time", async () => {
    const { read, write, asked } = await logsOfMailer();
    const ids = Array.from({ length: 25 }, (_, index) => `request-${String(index).padStart(2, "0")}`);
    for (const [index, id] of ids.entries()) write(GROUP, at(index), "23", `a line of ${id} and no other`);
    write(GROUP, at(30), "23", "a line of nobody");
    const lines = await read({ requestIds: new Set(ids) });
    expect(new Set(lines.map(({ requestId }) => requestId))).toEqual(new Set(ids));
    expect(lines).toHaveLength(25);
    expect(Math.max(...asked.map(({ filterPattern = "" }) => filterPattern.length))).toBeLessThanOrEqual(1_024);
    expect(await read({ requestIds: new Set() })).toEqual([]);
  });

  it("are followed: each event once, also one that comes to be seen late", async () => {
    const seen: string[] = [];
    const steps = [() => write(GROUP, at(50), "23", "late"), () => write(GROUP, at(58), "23", "next")];
    const { logs, write } = await logsOfMailer({ onWait: () => steps.shift()?.() });
    write(GROUP, at(40), "23", "before");
    write(GROUP, at(55), "23", "first");
    for await (const line of logs.follow({ component: "mailer" }, at(45))) {
      seen.push(...texts([line]));
      if (line.text === "next") break;
    }
    expect(seen).toEqual(["first", "late", "next"]);
  });

  it("are followed with the event that a line is of, for which it waits 10 s at most", async () => {
    const line = (id: string, text: string) => `2026\t${id}\tINFO\t${text}`;
    let second = 52;
    const { logs, write } = await logsOfMailer({
      now: () => at(second),
      onWait() {
        second += 1;
        if (second === 53) write(ROUTER, at(53), "1", delivery(`${ID}1`, "order-1"));
      },
    });
    write(GROUP, at(51), "23", line(`${ID}2`, "of nobody"));
    write(GROUP, at(52), "23", line(`${ID}1`, "of order-1"));
    const seen: unknown[] = [];
    for await (const { text, eventId } of logs.follow({ component: "mailer" }, at(45))) {
      seen.push([second, text, eventId]);
      if (seen.length === 2) break;
    }
    expect(seen).toEqual([
      [53, "INFO of order-1", "order-1"],
      [61, "INFO of nobody", undefined],
    ]);
  });
});
