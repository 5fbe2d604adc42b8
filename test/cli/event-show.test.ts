import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import type { EventRecord } from "../../shared/domain/deliveries/delivery.ts";
import { requestIdOf } from "../../shared/domain/deliveries/request-id.ts";
import { deadDeliveryNotice } from "../../shared/domain/notices/dead-delivery-notice.ts";
import { aHomeForAll, aReplayedCli, RC } from "../support/replayed-cli.ts";
import { aRecord } from "../support/stored-events.ts";

const DAY_MS = 86_400_000;
const yes = ["--yes", "--reason", "a test"];

/** acme's order-1 was given up and then made good by a replay; order-2 was done. Their version's log has what it wrote. */
async function aHistory(home: string) {
  const cli = await aReplayedCli(home);
  await cli.route({ id: "order-1", customer: "acme", fails: "1", secondsAgo: 20 }, { id: "order-2", secondsAgo: 10 });
  const [shown] = await cli.hereJson("event show order-1");
  const [delivery] = (shown?.deliveries ?? []) as { component_version: string; attempts: { attempt: number }[] }[];
  const deliveryKey = `${RC}#${shown?.event_key}#live`;
  const folder = join(home, "logs", RC);
  mkdirSync(folder, { recursive: true });
  const line = (requestId: string, text: string) => `${new Date().toISOString()} ${requestId} ${text}\n`;
  const own = requestIdOf(deliveryKey, delivery?.attempts.at(-1)?.attempt ?? 0);
  const before = line(own, "looks for the release") + line("another-request", "is of another event");
  const stack = line(own, "Broken: it broke") + line(own, "    at handler (file:///versions/2/index.mjs:3:9)");
  writeFileSync(join(folder, `${delivery?.component_version}.log.1`), before);
  writeFileSync(join(folder, `${delivery?.component_version}.log`), stack);
  await cli.here(`replay start --customer acme --to-alias beta --name again`, ...yes);
  return cli;
}

describe("turnout event show", () => {
  const home = aHomeForAll();
  let cli: Awaited<ReturnType<typeof aHistory>>;
  /** Stores an event as if it had just arrived. */
  const record = (about: Partial<EventRecord> & { id: string }) =>
    cli.withState(({ events }) =>
      events.record([
        aRecord({ t0: new Date(), eventKey: about.id, expiresAt: new Date(Date.now() + DAY_MS), ...about }),
      ]),
    );
  beforeAll(async () => {
    cli = await aHistory(home);
  });

  it("says what an event threw, and what its version has printed for it, and for no other", async () => {
    const { stdout } = await cli.here("event show order-1");
    expect(stdout).toMatch(/attempts {5}1 {2}\S+ {2}\w+ by version \d in \d+ ms: \w+: /);
    expect(stdout).toMatch(/^ {2}printed {6}1 {2}\S+ {2}looks for the release$/m);
    expect(stdout).toMatch(/^ {15}1 {2}\S+ {6}at handler \(file:\/\/\/versions\/2\/index\.mjs:3:9\)$/m);
    expect(stdout).not.toContain("another event");
    const [{ deliveries } = {}] = await cli.hereJson("event show order-1");
    const [{ attempts } = { attempts: [] }] = deliveries as { attempts: { printed: object[] }[] }[];
    expect(attempts.at(-1)?.printed).toHaveLength(3);
  });

  it("finds an event by any beginning of its id or key, and lists those that a beginning is of", async () => {
    const [{ event_key: key } = {}] = await cli.hereJson("event show order-2");
    const begun = await cli.here(`event show ${String(key).slice(0, 4)}`);
    expect(begun.stdout).toContain("event order-2, shop 'order placed'\n");
    expect((await cli.here("event show order-2…")).stdout).toBe(begun.stdout);
    const several = await cli.here("event show order");
    expect(several).toMatchObject({ code: 2, stdout: "" });
    expect(several.stderr).toMatch(
      /begin with 'order': order-1 \(order placed, .*\), order-2 \(.*\)\. Give more of it\.\n$/,
    );
    expect(await cli.here("event show nothing")).toMatchObject({ code: 3 });
  });

  it("says why an event was rejected whose key was used for another payload", async () => {
    await cli.route({ id: "order-3", key: "order-2", customer: "globex" });
    const { stdout } = await cli.here("event show order-3");
    expect(stdout).toContain("rejected after 0 attempts\n");
    expect(stdout).toContain("  error        PayloadDiffers: the idempotency key was used before with another payload");
  });

  it("says which replay has made a dead delivery good", async () => {
    await cli.drive("again");
    const { stdout } = await cli.here("event show order-1");
    expect(stdout).toContain(", repaired by again after 1 attempt\n");
  });

  it("says what became of an event before its body, which ends after 60 lines unless it is asked for whole", async () => {
    const detail = { metadata: { customer: "acme" }, lines: Array.from({ length: 300 }, (_, line) => line) };
    await record({ id: "long-1", components: [], body: JSON.stringify({ id: "long-1", detail }) });
    const { stdout } = await cli.here("event show long-1");
    const lines = stdout.trimEnd().split("\n");
    const body = lines.findIndex((line) => line.startsWith("  body "));
    expect(lines.length - body).toBe(61);
    expect(lines.slice(0, body).join("\n")).toContain("no component listened to it");
    expect(lines.at(-1)).toMatch(/^ {15}… and 2\d\d lines: turnout event show long-1 --whole$/);
    const whole = await cli.here("event show long-1 --whole");
    expect(whole.stdout).toMatch(/\n {15} +299\n/);
    const [{ event } = {}] = await cli.hereJson("event show long-1");
    expect(event).toMatchObject({ detail });
  });

  it("prints the commands that a notice names as they are typed, and none of what only looks like a notice", async () => {
    const report = { at: new Date(), component: RC, outcome: "dead" as const, attempt: 1 };
    const dead = { id: "order 2's", source: "shop", detailType: "order placed", subject: {}, t0: new Date() };
    const notice = deadDeliveryNotice({ ...report, record: dead }) ?? "";
    await record({ id: "notice-1", source: "turnout", detailType: "Delivery Dead", body: notice });
    const { stdout } = await cli.here("event show notice-1");
    expect(stdout).toContain("  looks on     turnout event show 'order 2'\\''s'\n");
    expect(stdout).toMatch(
      /^ {2}acts {9}turnout replay start --unresolved .*--component release-coordinator --pattern '.*--reason 'told by a Delivery Dead'$/m,
    );
    await record({
      id: "like-one",
      source: "turnout",
      detailType: "Delivery Dead",
      body: '{"detail":{"acts":["rm"]}}',
    });
    expect((await cli.here("event show like-one")).stdout).not.toMatch(/^ {2}(acts|looks)/m);
  });
});
