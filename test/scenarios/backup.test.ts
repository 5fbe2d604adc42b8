import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { untilAtRest } from "../support/at-rest.ts";
import { aComponent } from "../support/builders.ts";
import { aCli, type CliResult } from "../support/cli-process.ts";
import { startServer } from "../support/server-process.ts";
import { temporaryFolder } from "../support/tmp.ts";

/** Notes its order in a file of the test's own, so that runs can be counted whatever becomes of the state. */
const handler = (seen: string) => `import { appendFileSync } from "node:fs";
export async function handler({ detail, turnout }) {
  appendFileSync(${JSON.stringify(seen)}, turnout.idempotencyKey + " " + detail.order + "\\n");
}`;

/** A state with a component whose version notes what it gets, in a file and with a link and a tool beside it. */
async function aShop() {
  const [cli, outside] = [aCli(), temporaryFolder()];
  const seen = join(outside, "seen");
  const code = join(outside, "code");
  mkdirSync(join(code, "lib"), { recursive: true });
  writeFileSync(join(code, "index.mjs"), handler(seen));
  writeFileSync(join(code, "lib", "tool.sh"), "echo 1\n");
  chmodSync(join(code, "lib", "tool.sh"), 0o755);
  symlinkSync("lib/tool.sh", join(code, "tool"));
  await cli.edit([
    {
      kind: "apply component",
      component: aComponent({ name: "mailer", pattern: { source: ["shop"] }, aliases: ["stable"] }),
    },
  ]);
  const published = await cli.turnout([
    "publish-version",
    "mailer",
    code,
    "--alias",
    "stable",
    "--reason",
    "x",
    "--yes",
  ]);
  expect(published).toMatchObject({ code: 0 });
  const orders = () =>
    existsSync(seen)
      ? readFileSync(seen, "utf8")
          .trim()
          .split("\n")
          .map((line) => line.split(" ")[1])
      : [];
  return { ...cli, outside, seen, orders };
}

async function publish(url: string, details: object[]): Promise<void> {
  const Entries = details.map((detail) => ({
    Source: "shop",
    DetailType: "order placed",
    Detail: JSON.stringify(detail),
  }));
  const headers = { "content-type": "application/x-amz-json-1.1", "x-amz-target": "AWSEvents.PutEvents" };
  const answer = await fetch(url, { method: "POST", headers, body: JSON.stringify({ Entries }) });
  expect(await answer.json()).toMatchObject({ FailedEntryCount: 0 });
}

const order = (n: number | string, text = "") => ({ order: n, text, metadata: { idempotencyKey: `order-${n}` } });

/** So long that it stands in a file of its own. */
const large = () => Array.from({ length: 60_000 }, () => Math.random().toString(36).slice(2)).join("");

describe("turnout backup and restore", () => {
  it("carry all that was acknowledged before to another folder, where it goes on, while the server takes more", async () => {
    const shop = await aShop();
    const server = await startServer(shop.home);
    await publish(server.url, [order("large", large())]);
    await publish(
      server.url,
      [0, 1, 2].map((n) => order(n)),
    );
    let [acknowledged, stop] = [2, false];
    const publishing = (async () => {
      while (!stop) {
        const next = acknowledged + 1;
        await publish(server.url, [order(next)]);
        acknowledged = next;
      }
    })();
    const backups: { file: string; before: number }[] = [];
    for (let n = 0; n < 3; n++) {
      const file = join(shop.outside, `${n}.backup`);
      const before = acknowledged + 1;
      await expect.poll(() => acknowledged).toBeGreaterThanOrEqual(before);
      expect(await shop.turnout(["backup", file])).toMatchObject({ code: 0, stdout: "" });
      backups.push({ file, before });
    }
    stop = true;
    await publishing;
    expect(await server.end("SIGTERM")).toBe(0);
    expect(statSync(backups[0]?.file ?? "").mode & 0o777).toBe(0o600);

    const { file, before } = backups.at(-1) ?? { file: "", before: 0 };
    expect(before).toBeGreaterThan(3);
    // Not there if the server ended before its first delivery.
    rmSync(shop.seen, { force: true });
    const other = aCli();
    expect(await other.turnout(["restore", file])).toMatchObject({ code: 0, stdout: "" });
    expect(looserThanOwner(other.home)).toEqual([]);
    expect(readdirSync(join(other.home, "versions/mailer/1")).sort()).toEqual(["index.mjs", "lib", "tool"]);
    expect(statSync(join(other.home, "versions/mailer/1/tool")).mode & 0o100).toBe(0o100);
    const restored = await startServer(other.home);
    await publish(restored.url, [order("after")]);
    await expect.poll(() => shop.orders()).toContain("after");
    await untilAtRest(other.home, restored.url);
    expect(await restored.end("SIGTERM")).toBe(0);
    // Everything that was acknowledged before the backup began is there and done, by then or now, in full.
    const stored = await other.withState(async ({ events }) => {
      const window = { from: new Date(0), to: new Date("9999-01-01") };
      const records = (await Array.fromAsync(events.records(window, new Date()))).flat();
      const entries = await events.deliveriesOf(records.map(({ eventKey }) => eventKey));
      return new Map(
        records.map(({ idempotencyKey, eventKey, body }) => [
          idempotencyKey,
          { statuses: entries.get(eventKey)?.map(({ status }) => status), bytes: body.length },
        ]),
      );
    });
    for (let n = 0; n <= before; n++) expect(stored.get(`order-${n}`)).toMatchObject({ statuses: ["done"] });
    expect(stored.get("order-large")).toMatchObject({ statuses: ["done"] });
    expect(stored.get("order-large")?.bytes).toBeGreaterThan(400_000);
  });

  it("refuse what they can't do, and leave things as they are", async () => {
    const shop = await aShop();
    const file = join(shop.outside, "a.backup");
    expect(await shop.turnout(["backup", file])).toMatchObject({ code: 0 });
    const bytes = readFileSync(file);
    const refused = async (result: Promise<CliResult>, code: number, said: RegExp) => {
      const { stderr, ...rest } = await result;
      expect(rest).toEqual({ code, stdout: "" });
      expect(stderr).toMatch(said);
    };
    await refused(shop.turnout(["backup", file]), 5, /is there already\. Name another file/);
    await refused(shop.turnout(["backup", join(shop.outside, "no", "such")]), 1, /can't be written/);
    await refused(shop.turnout(["restore", file]), 5, /has a state already \(versions, state\.db.*add --replace/);
    await refused(shop.turnout(["restore", file, "--replace"]), 6, /Add --yes/);
    await refused(aCli().turnout(["restore", join(shop.home, "state.db")]), 1, /isn't a backup of 'turnout backup'/);
    await refused(aCli().turnout(["restore", join(shop.outside, "seen.not")]), 3, /There is no file/);
    await refused(aCli().turnout(["--env", "prod", "backup", "x"]), 2, /for the state on this machine/);
    expect(readFileSync(file).equals(bytes)).toBe(true);

    const tampered = join(shop.outside, "b.backup");
    writeFileSync(tampered, bytes);
    const connection = new DatabaseSync(tampered);
    connection.exec("UPDATE backup_parts SET content = x'00' WHERE entry = (SELECT max(entry) FROM backup_parts)");
    connection.close();
    const into = aCli();
    await refused(
      into.turnout(["restore", tampered]),
      1,
      /is damaged: versions\/mailer\/1\/.* isn't what was stored\. Nothing was restored/,
    );
    const outside = new DatabaseSync(tampered);
    outside.exec("UPDATE backup_entries SET path = 'versions/../../out' WHERE id = 1");
    outside.close();
    await refused(into.turnout(["restore", tampered]), 1, /is damaged: it names versions\/\.\.\/\.\.\/out/);
    writeFileSync(tampered, bytes.subarray(0, bytes.length / 2));
    await refused(into.turnout(["restore", tampered]), 1, /damaged|malformed/);
    expect(existsSync(join(into.home, "state.db"))).toBe(false);
  });

  it("move the state that is there aside with --replace, but not while a server runs on it", async () => {
    const shop = await aShop();
    const file = join(shop.outside, "a.backup");
    await shop.turnout(["backup", file]);
    await shop.edit([{ kind: "set plan", customer: "acme", plan: "paid" }]);
    const server = await startServer(shop.home);
    const served = await shop.turnout(["restore", file, "--replace", "--yes"]);
    expect(served).toMatchObject({ code: 5 });
    expect(served.stderr).toContain("runs on port");
    await server.end("SIGTERM");
    const [restored] = await shop.json(["restore", file, "--replace", "--yes"]);
    expect(restored).toMatchObject({ home: shop.home, replaced: expect.stringContaining("/replaced-") });
    expect(await shop.withState(({ routingTable }) => routingTable.head())).toBe(3);
    const aside = aCli(String(restored?.replaced));
    expect(await aside.withState(({ routingTable }) => routingTable.head())).toBe(4);
  });
});

/** Files and folders that others than their owner may read or write. */
function looserThanOwner(home: string): string[] {
  return ["", ...(readdirSync(home, { recursive: true }) as string[])].filter((name) => {
    const found = statSync(join(home, name));
    return (found.mode & 0o077) !== 0;
  });
}
