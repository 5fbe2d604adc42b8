import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { originTag, readOriginTag } from "../../shared/domain/deliveries/request-id.ts";
import { expireLogs } from "../../shared/targets/worker/log-retention.ts";
import { logLines } from "../../shared/targets/worker/worker-output.ts";
import { fileVersionLogs } from "../../shared/version-logs/file-version-logs.ts";
import type { LogLine, LogQuery } from "../../shared/version-logs/version-logs.ts";
import { temporaryFolder } from "../support/tmp.ts";

const at = (second: number) => new Date(Date.UTC(2026, 10, 20, 10, 0, second));
const always = { from: at(0), to: at(60) };

/** The logs of a component, `mailer`, and what writes them as hosts do. */
function aLogFolder() {
  const logs = temporaryFolder();
  const folder = join(logs, "mailer");
  mkdirSync(folder);
  const file = (version: string) => join(folder, `${version}.log`);
  const write = (version: string, second: number, text: string, origin?: string) =>
    appendFileSync(file(version), logLines(at(second), origin, text));
  return { logs, file, write };
}

const texts = (lines: readonly LogLine[]) => lines.map(({ version, text }) => `${version} ${text}`);

async function read(logs: string, query: Partial<LogQuery> = {}, window = always): Promise<LogLine[]> {
  return Array.fromAsync(fileVersionLogs(logs, async () => {}).lines({ component: "mailer", ...query }, window));
}

describe("the logs of a component", () => {
  it("are read as one, oldest line first, with what each was printed for", async () => {
    const { logs, file, write } = aLogFolder();
    write("23", 1, "put aside", originTag({ requestId: "r-1", attempt: 1, eventId: "order 1#ü" }));
    renameSync(file("23"), `${file("23")}.1`);
    write("22", 2, "of another version", originTag({ requestId: "r-2", attempt: 2, eventId: "order-2" }));
    write("23", 3, "of nobody");
    expect(await read(logs)).toEqual([
      { at: at(1), version: "23", requestId: "r-1", attempt: 1, eventId: "order 1#ü", text: "put aside" },
      { at: at(2), version: "22", requestId: "r-2", attempt: 2, eventId: "order-2", text: "of another version" },
      { at: at(3), version: "23", text: "of nobody" },
    ]);
    expect(texts(await read(logs, { version: "23" }))).toEqual(["23 put aside", "23 of nobody"]);
    expect(texts(await read(logs, { requestIds: new Set(["r-2"]) }))).toEqual(["22 of another version"]);
    expect(texts(await read(logs, {}, { from: at(2), to: at(3) }))).toEqual(["22 of another version"]);
    expect(await read(logs, { component: "nobody" })).toEqual([]);
  });

  it("are read whole when one is put aside while it is read", async () => {
    const { logs, file, write } = aLogFolder();
    write("1", 1, "of long ago");
    renameSync(file("1"), `${file("1")}.1`);
    for (let second = 2; second < 10; second++) write("1", second, `line ${second}`);
    const lines: LogLine[] = [];
    for await (const line of fileVersionLogs(logs, async () => {}).lines({ component: "mailer" }, always)) {
      lines.push(line);
      if (lines.length === 1) renameSync(file("1"), `${file("1")}.1`);
    }
    expect(texts(lines)).toEqual(["1 of long ago", ...Array.from({ length: 8 }, (_, n) => `1 line ${n + 2}`)]);
  });

  it("have lines of an older form, and others that are passed over", async () => {
    const { logs, file } = aLogFolder();
    writeFileSync(file("1"), `${at(1).toISOString()} r-1 before\nthe rest of a line\n\nnow r-1 no time\n`);
    expect(await read(logs)).toEqual([{ at: at(1), version: "1", requestId: "r-1", text: "before" }]);
  });

  it("are followed through being put aside, removed, begun anew and cut short", async () => {
    const { logs, file, write } = aLogFolder();
    write("1", 1, "before");
    write("1", 5, "first");
    const steps: (() => void)[] = [
      () => write("1", 6, "second"),
      () => {
        write("1", 7, "last of the old");
        renameSync(file("1"), `${file("1")}.1`);
        write("1", 8, "first of the new");
      },
      () => rmSync(file("1")),
      () => write("1", 9, "after it was removed"),
      () => {
        truncateSync(file("1"));
        write("1", 10, "short");
      },
      () => write("2", 11, "of a version that is new"),
      // Half a line, and half a character, is waited for.
      () => appendFileSync(file("1"), half.subarray(0, -2)),
      () => appendFileSync(file("1"), half.subarray(-2)),
    ];
    const half = Buffer.from(`${at(12).toISOString()} - halé\n`);
    const seen: string[] = [];
    let looks = 0;
    const followed = fileVersionLogs(logs, async () => steps[looks++]?.());
    for await (const { text } of followed.follow({ component: "mailer" }, at(5))) {
      seen.push(text);
      if (text === "halé") break;
    }
    expect(seen).toEqual([
      "first",
      "second",
      "last of the old",
      "first of the new",
      "after it was removed",
      "short",
      "of a version that is new",
      "halé",
    ]);
  });

  it("are followed from before there are any", async () => {
    const { logs, file, write } = aLogFolder();
    rmSync(join(logs, "mailer"), { recursive: true });
    const begin = () => {
      mkdirSync(join(logs, "mailer"));
      write("1", 6, "begun");
    };
    const followed = fileVersionLogs(logs, async () => (existsSync(file("1")) ? undefined : begin()));
    for await (const { text } of followed.follow({ component: "mailer" }, at(5))) {
      expect(text).toBe("begun");
      break;
    }
  });
});

describe("a line's origin", () => {
  it("is one word, and is read as it was written", () => {
    fc.assert(
      fc.property(fc.uuid(), fc.nat(), fc.string({ unit: "binary" }), (requestId, attempt, eventId) => {
        const tag = originTag({ requestId, attempt, eventId });
        expect(tag).not.toMatch(/\s/);
        expect(readOriginTag(tag)).toEqual({ requestId, attempt, eventId: eventId.toWellFormed() });
      }),
    );
  });

  it("may be any word", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (word) => typeof readOriginTag(word) === "object"));
  });
});

describe("expired logs", () => {
  const DAY = 86_400_000;
  const now = at(0);

  it("are put aside after half of their time, and go after the other half", async () => {
    const { logs, file, write } = aLogFolder();
    const ago = (path: string, days: number) => {
      const seconds = (now.getTime() - days * DAY) / 1_000;
      utimesSync(path, seconds, seconds);
    };
    write("fresh", -60, "fresh");
    ago(file("fresh"), 0);
    appendFileSync(file("long"), logLines(new Date(now.getTime() - 8 * DAY), undefined, "long ago"));
    ago(file("long"), 1);
    write("still", -60, "unused");
    ago(file("still"), 8);
    await expireLogs(logs, 14 * DAY, now);
    expect([existsSync(file("fresh")), existsSync(file("still"))]).toEqual([true, false]);
    expect([existsSync(file("long")), readFileSync(`${file("long")}.1`, "utf8")]).toEqual([
      false,
      expect.stringContaining("long ago"),
    ]);
    await expireLogs(logs, 14 * DAY, new Date(now.getTime() + 6.5 * DAY));
    expect(existsSync(`${file("long")}.1`)).toBe(false);
  });

  it("are left alone where there are none", async () => {
    await expireLogs(join(temporaryFolder(), "none"), DAY, now);
  });
});
