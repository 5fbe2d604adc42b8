import { expect, it } from "vitest";
import { changeRoutes } from "../../shared/flows/change/change-routes.ts";
import { aReplayedCli } from "../support/replayed-cli.ts";

const damages: [string, string, { status: string }][] = [
  ["a delivery's row", "UPDATE deliveries SET entry = '{' WHERE id = 1", { status: "dead" }],
  [
    "a delivery's row that is JSON of something else",
    "UPDATE deliveries SET entry = '[]' WHERE id = 1",
    { status: "dead" },
  ],
  ["an event's row", "UPDATE event_records SET facts = '{' WHERE id = 1", { status: "done" }],
  ["an event's row without its facts", "UPDATE event_records SET facts = '{}' WHERE id = 1", { status: "done" }],
];

it.each(damages)(
  "%s that can't be read costs itself: lists, plans, changes and the sweep go on",
  async (_, sql, expected) => {
    const { route, here, withState } = await aReplayedCli();
    await route({ id: "e-1" }, { id: "e-2" }, { id: "e-3" });
    await withState(async ({ database }) => database.connection.exec(sql));

    const events = await here("events --since 1h --json");
    expect(events.code).toBe(0);
    const statuses = events.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as { status: string });
    expect(statuses.map(({ status }) => status).sort()).toEqual(["done", "done", expected.status].sort());
    expect((await here("replay plan --since 1h")).code).toBe(0);
    expect(
      (await here("pin --customer acme --component release-coordinator --to beta --reason x --dry-run")).code,
    ).toBe(0);
  },
);

it("lists say on stderr which rows they lack, as those can't be read", async () => {
  const { here, withState } = await aReplayedCli();
  const why = "--reason x --yes";
  for (const line of ["cohort create staff", "directory set --project acme/site --customer acme"]) {
    expect((await here(`${line} ${why}`)).code).toBe(0);
  }
  await withState(async ({ database, routingTable }) => {
    await changeRoutes(routingTable, {
      ...{ changeId: "1", at: new Date(), who: "ada", why: "a test", command: "test" },
      edit: { kind: "apply source", source: { source: "shop", project: "detail.site" } },
    });
    const keys = "('settings#cohorts', 'project#acme/site', 'source#shop')";
    database.connection.exec(`UPDATE routing_rows SET value = '{' WHERE key IN ${keys}`);
  });
  for (const [line, row] of [
    ["pins", "project acme/site"],
    ["cohort list", "settings cohorts"],
    ["cohort list", "project acme/site"],
    ["directory show", "project acme/site"],
    ["directory show --project acme/site", "project acme/site"],
    ["source list", "source shop"],
  ] as const) {
    const { stderr } = await here(line);
    expect([line, stderr]).toEqual([
      line,
      expect.stringMatching(new RegExp(`^${row} can't be read.*: .*not JSON`, "m")),
    ]);
  }
});

it("a component's row that can't be read is named where a delivery of it is explained", async () => {
  const { route, here, withState } = await aReplayedCli();
  await route({ id: "e-1" });
  await withState(async ({ database }) => {
    database.connection.exec("UPDATE routing_rows SET value = '{' WHERE key = 'component#release-coordinator'");
  });
  const { code, stdout } = await here("explain --event e-1 --since 1h");
  expect(code).toBe(0);
  expect(stdout).toMatch(/now +its row can't be read, and its events wait: .*not JSON/);
  const { now, now_problem } = JSON.parse((await here("explain --event e-1 --since 1h --json")).stdout);
  expect([now, now_problem]).toEqual([null, expect.stringContaining("not JSON")]);
});

it("a delivery that is due and can't be read doesn't hold up the others that are, and is seen as dead", async () => {
  const { route, withState } = await aReplayedCli();
  await route({ id: "e-1", fails: true }, { id: "e-2", fails: true });
  const now = new Date(Date.now() + 60_000);
  await withState(async ({ database, events }) => {
    database.connection.exec("UPDATE deliveries SET due_at = 1, status = 'failed'");
    database.connection.exec("UPDATE deliveries SET entry = '{' WHERE id = 1");
    expect(await events.due(now, 10)).toHaveLength(1);
    const [row] = database.connection.prepare("SELECT status, due_at FROM deliveries WHERE id = 1").all();
    expect({ ...row }).toEqual({ status: "dead", due_at: null });
  });
});

it("a claimed delivery that can't be read doesn't keep a server from starting, and runs when its event comes again", async () => {
  const { route, withState } = await aReplayedCli();
  await route({ id: "e-1" });
  await withState(async ({ database, events }) => {
    const [row] = database.connection.prepare("SELECT delivery_key, event_key FROM deliveries").all();
    database.connection.exec("UPDATE deliveries SET entry = '{', status = 'claimed'");
    expect(await events.endLeases(new Date())).toBe(0);
    const { deliveriesOf } = events;
    const [entry] = (await deliveriesOf([String(row?.event_key)])).get(String(row?.event_key)) ?? [];
    expect(entry).toMatchObject({
      status: "dead",
      error: { type: "EntryUnreadable" },
      component: "release-coordinator",
    });
    const request = {
      deliveryKey: String(row?.delivery_key),
      component: "release-coordinator",
      eventKey: String(row?.event_key),
      generation: "live",
      payloadHash: "hash",
      t0: new Date(),
      alias: "stable",
      because: "default alias" as const,
      routingRevision: 1,
      leaseMs: 1_000,
      expiresAt: new Date(Date.now() + 1e9),
    };
    expect(await events.claim([request], "owner", new Date())).toMatchObject([{ won: true, attempt: 1 }]);
    expect(database.connection.prepare("SELECT count(*) AS n FROM deliveries").get()?.n).toBe(1);
  });
});
