import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { aCli, aRoutedCli, jsonLines } from "../support/cli-process.ts";
import { temporaryFolder } from "../support/tmp.ts";

const DETAIL = '{ "n": 12345678901234567890,  "a": 1.0 }';
const items = [
  { Source: "shop", DetailType: "order placed", Detail: DETAIL, Time: "2026-11-20T10:00:00Z" },
  { id: "e-2", source: "shop", "detail-type": "order placed", time: "2026-11-20T10:00:00Z", detail: {} },
  { specversion: "1.0", id: "ce-3", source: "/shop", type: "order.placed", data: { total: 1 } },
];

describe("turnout publish", () => {
  it("takes every form of event, one per line, and keeps a detail's text", async () => {
    const { turnout, withState } = await aRoutedCli();
    const published = await turnout(["publish"], items.map((item) => `${JSON.stringify(item)}\n`).join(""));
    expect(published.code).toBe(0);
    const ids = published.stdout.trim().split("\n");
    expect(ids).toEqual([expect.stringMatching(/^[0-9a-f-]{36}$/), "e-2", "ce-3"]);
    expect(published.stderr).toBe("3 events stored, to be routed when a server runs ('npm start')\n");
    const messages = await withState(({ queue }) => queue.receive(10, 1000, new Date()));
    expect(messages.map(({ body }) => JSON.parse(body).id)).toEqual(ids);
    expect(messages[0]?.body).toContain(`"detail":${DETAIL}}`);
  });

  it("takes an array from a file, and writes NDJSON", async () => {
    const { turnout } = await aRoutedCli();
    const file = join(temporaryFolder(), "événements.json");
    writeFileSync(file, `\uFEFF${JSON.stringify(items, undefined, 2)}`);
    const published = await turnout(["publish", file, "--json"]);
    expect(jsonLines(published.stdout)).toContainEqual({
      event_id: "ce-3",
      source: "/shop",
      detail_type: "order.placed",
    });
  });

  it("publishes nothing when one event is bad, and the good ones with --skip-bad", async () => {
    const { turnout, withState } = await aRoutedCli();
    const [good] = items;
    const bad = [
      { Source: "shop", DetailType: "x", Detail: "no" },
      { source: "shop", "detail-type": "x" },
      { source: "shop", "detail-type": "x", detail: {}, time: "2026-02-30T10:00:00Z" },
      { Source: "shop", DetailType: "x", Detail: { metadata: { customer: 5 } } },
      { Source: "shop", DetailType: "x", Detail: { long: "x".repeat(1_048_576) } },
      { ...items[2], type: "" },
      { a: 1 },
      [1],
    ];
    const text = JSON.stringify([...bad, good]);
    const refused = await turnout(["publish", "-"], text);
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    for (const [index, reason] of Object.entries([
      "Detail is malformed",
      "detail: expected an object",
      "time: there is no such day or time",
      "detail.metadata.customer: ",
      "may have 1048576",
      "type: ",
      "not an event",
      "this is an array",
    ])) {
      expect(refused.stderr).toMatch(new RegExp(`turnout: stdin, item ${Number(index) + 1}: .*${reason}`));
    }
    expect((await withState(({ queue }) => queue.depth(new Date()))).visible).toBe(0);
    const skipped = await turnout(["publish", "--skip-bad"], text);
    expect(skipped.code).toBe(7);
    expect(skipped.stdout.split("\n")).toHaveLength(2);
    expect((await withState(({ queue }) => queue.depth(new Date()))).visible).toBe(1);
  });

  it("publishes nothing in a dry run", async () => {
    const { turnout, withState } = await aRoutedCli();
    const dry = await turnout(["publish", "--dry-run"], JSON.stringify(items));
    expect(dry).toMatchObject({ code: 0, stdout: "" });
    expect(dry.stderr).toContain("3 events can be");
    expect((await withState(({ queue }) => queue.depth(new Date()))).visible).toBe(0);
  });

  it("says what is wrong with its input, and where there is no state", async () => {
    const { turnout } = await aRoutedCli();
    const [folder, missing, empty, brokenJson, brokenLine, noState] = await Promise.all([
      turnout(["publish", "/"]),
      turnout(["publish", "/no\u001b[2J/such"]),
      turnout(["publish"], " \n"),
      turnout(["publish"], '{"Source":\n"a"'),
      turnout(["publish"], `{}\noops\n${JSON.stringify(items[0])}`),
      aCli().turnout(["publish"], "{}"),
    ]);
    expect(folder).toMatchObject({ code: 1, stderr: "turnout: / is a folder. Name a file in it.\n" });
    expect(missing).toMatchObject({ code: 3, stderr: "turnout: There is no file /no\\u001b[2J/such.\n" });
    expect(empty).toMatchObject({ code: 1, stderr: "turnout: stdin is empty.\n" });
    expect(brokenJson).toMatchObject({ code: 1, stderr: expect.stringContaining("line 2 column 4") });
    expect(brokenLine).toMatchObject({ code: 1, stderr: expect.stringContaining("stdin, line 2: not JSON") });
    expect(noState).toMatchObject({ code: 3, stderr: expect.stringContaining("Run 'npm start'") });
  });
});
