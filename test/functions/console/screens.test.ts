import { describe, expect, it } from "vitest";
import type { Failure } from "../../../shared/domain/health/failure.ts";
import { newWatch } from "../../../shared/domain/health/watch.ts";
import { matchedRows } from "../../../shared/domain/replays/matched-rows.ts";
import { releaseEdit } from "../../../shared/domain/routing/release-edit.ts";
import { ruleWords } from "../../../shared/domain/routing/rule-words.ts";
import { changeRoutes } from "../../../shared/flows/change/change-routes.ts";
import { startReplay } from "../../../shared/flows/replay/start-replay.ts";
import { moveAlias } from "../../../shared/flows/versions/move-alias.ts";
import { customerOf } from "../../../shared/flows/watch/customer-of.ts";
import { aReplay } from "../../support/any-replay.ts";
import { aConsole, LOOKED_AT } from "../../support/console.ts";
import { COMPONENT, setUpIncident } from "../../support/incident.ts";
import { aRelease } from "../../support/releases.ts";
import { temporaryFolder } from "../../support/tmp.ts";

async function anIncident() {
  const console = aConsole();
  await setUpIncident(console.state, temporaryFolder(), LOOKED_AT);
  return { ...console, onCall: console.as("on-call"), viewer: console.as("viewer") };
}

const textOf = (markup: string) => markup.replaceAll(/<[^>]*>/g, " ").replaceAll(/\s+/g, " ");

describe("screens of an installation on which nothing is yet", () => {
  it.each(["", "changes", "customers", "failures", "replays", "releases"])("say so: %s", async (screen) => {
    const { as, unexpected } = aConsole();
    const { status, text } = await as("viewer").get(`/console/${screen}`);
    expect(status).toBe(200);
    expect(text).toContain('class="none"');
    expect(unexpected).toEqual([]);
  });

  it.each([
    ["change?revision=7", 404, "There is no revision 7; the newest is 0."],
    ["change?revision=x", 404, "There is no revision x"],
    ["component?name=mailer", 404, "mailer"],
    ["customer", 400, "Name a customer, project, plan or user."],
    ["failures?since=soon", 400, "since: expected a duration"],
    ["guard?component=mailer&alias=beta", 404, "mailer"],
    ["release?id=24-faster", 404, "No release &#39;24-faster&#39;"],
    ["replay?name=r-1", 404, "No replay &#39;r-1&#39;"],
  ])("refuse what there isn't, in words: %s", async (path, wanted, words) => {
    const { as, unexpected } = aConsole();
    const { status, text } = await as("viewer").get(`/console/${path}`);
    expect(status).toBe(wanted);
    expect(text).toContain(words);
    expect(unexpected).toEqual([]);
  });
});

describe("the customer's screen", () => {
  it("tells where it goes and why, with the rules that were passed over", async () => {
    const { viewer } = await anIncident();
    const text = textOf((await viewer.get("/console/customer?customer=acme")).text);
    expect(text).toContain("beta 2 customer pin customer acme pinned by ada: faster rule");
    expect(text).toContain("3 passed over replay destination: no replay destination user pin: the event has no user");
  });

  it("offers to unpin only where there is a pin, and tells a viewer who may", async () => {
    const { onCall, viewer } = await anIncident();
    expect((await onCall.get("/console/customer?customer=acme")).text).toContain("/console/do/unpin?");
    expect((await onCall.get("/console/customer?customer=globex")).text).not.toContain("/console/do/unpin?");
    const seen = (await viewer.get("/console/customer?customer=acme")).text;
    expect(seen).not.toContain("/console/do/");
    expect(seen).toContain("The role viewer may not change the routing");
  });

  it.each(["a/b#c?d&e=f", `"'<script>alert(1)</script>`, "\u202egnp.exe", "x".repeat(1_024), "💥 &amp; ünï"])(
    "shows an id as what it is, whatever it is: %s",
    async (id) => {
      const { viewer, unexpected } = await anIncident();
      for (const level of ["customer", "project", "plan", "user"]) {
        const { status, text } = await viewer.get(`/console/customer?${new URLSearchParams({ [level]: id })}`);
        expect(status).toBe(200);
        expect(text).not.toContain("<script>alert");
        expect(text).not.toContain("\u202e");
      }
      expect(unexpected).toEqual([]);
    },
  );

  it("refuses an id that none can be", async () => {
    const { viewer } = await anIncident();
    for (const id of ["", "x".repeat(1_025), "a\u0000b"]) {
      expect((await viewer.get(`/console/customer?${new URLSearchParams({ customer: id })}`)).status).toBe(400);
    }
  });
});

it.each([
  ["releases", ["turnout release list", "turnout guard show"]],
  ["replays", ["turnout replay list --limit 100"]],
  ["failures?since=3h", ["turnout failures --since 3h"]],
  ["customers", ["turnout directory show", "turnout pins --level customer"]],
  ["customers?level=user", ["turnout pins --level user"]],
  [
    `component?name=${COMPONENT}`,
    [`turnout health ${COMPONENT} --since 1h`, `turnout pins --component ${COMPONENT}`, `turnout aliases ${COMPONENT}`],
  ],
])("the screen has the commands that say the same: %s", async (path, commands) => {
  const { viewer } = await anIncident();
  const { text } = await viewer.get(`/console/${path}`);
  expect([...text.matchAll(/<code data-copy>([^<]*)</g)].map(([, command]) => command)).toEqual(commands);
});

describe("the list of customers", () => {
  it("has those whose names begin so, of the level that is asked for", async () => {
    const { viewer } = await anIncident();
    const links = async (path: string) =>
      [...(await viewer.get(path)).text.matchAll(/<th scope="row"[^>]*><a href="([^"]*)"/g)].map(([, href]) => href);
    expect(await links("/console/customers")).toHaveLength(4);
    expect(await links("/console/customers?begins=glo")).toEqual(["/console/customer?customer=globex"]);
    expect(await links("/console/customers?level=plan")).toEqual(["/console/customer?plan=free"]);
  });
});

describe("the change log's screen", () => {
  it("has a row for each change, the newest first, with what takes it back", async () => {
    const { onCall } = await anIncident();
    const { text } = await onCall.get("/console/changes");
    const revisions = [...text.matchAll(/change\?revision=(\d+)/g)].map(([, revision]) => Number(revision));
    expect(revisions).toEqual(revisions.toSorted((a, b) => b - a));
    expect(text).toContain("/console/do/rollback?component=release-coordinator&amp;alias=beta&amp;to=1");
    expect(text).toContain("/console/do/revert?revisions=1");
    expect(textOf(text)).toContain("beta of release-coordinator: 1 → 2 (settled)");
  });

  it("goes on where a page ends, and has only what was asked for", async () => {
    const { onCall, state } = await anIncident();
    for (let n = 0; n < 60; n++) {
      const edit = { kind: "set plan", customer: "acme", plan: `plan-${n}` } as const;
      const said = { who: "bob", why: "moves about", command: "test", at: LOOKED_AT };
      await changeRoutes(state.routingTable, { edit, changeId: `more-${n}`, ...said });
    }
    const first = (await onCall.get("/console/changes?who=bob")).text;
    const [, older] = /<a href="([^"]*before=\d+)"/.exec(first) ?? [];
    const rest = (await onCall.get((older ?? "").replaceAll("&amp;", "&"))).text;
    const count = (text: string) => text.match(/href="\/console\/change\?/g)?.length ?? 0;
    expect([count(first), count(rest)]).toEqual([50, 10]);
    expect(rest).not.toContain("before=");
    expect(textOf(rest)).not.toContain("ada");
  });

  it("has the words of 'turnout history' for what releases and guards did, as one change's screen has", async () => {
    const { viewer, state } = await anIncident();
    const guard = { mode: "undo", who: "ada", why: "2 is new", at: LOOKED_AT.toISOString() } as const;
    const said = { changeId: "guarded", who: "ada", why: "2 is new", command: "guard set", at: LOOKED_AT };
    const change = { set: "guard", alias: "beta", guard } as const;
    const edit = { kind: "change component", component: COMPONENT, change } as const;
    const { revision } = await changeRoutes(state.routingTable, { edit, ...said });
    const words = ruleWords((await state.routingTable.changesAfter(revision - 1, 1)).flatMap(({ rows }) => rows));
    expect(words).toEqual(["guard of beta: watch → undo"]);
    for (const screen of ["changes", `change?revision=${revision}`]) {
      expect(textOf((await viewer.get(`/console/${screen}`)).text)).toContain(words.join("; "));
    }
  });

  it("shows all of one change, its rows before and after", async () => {
    const { viewer } = await anIncident();
    const text = textOf((await viewer.get("/console/change?revision=2")).text);
    expect(text).toContain("why faster rule");
    expect(text).toContain("customer acme is new: + pins: {} + cohorts: [] + plan: &quot;pro&quot;");
  });
});

it("the screen of a component marks a version that was found to be bad, and says why", async () => {
  const { viewer, change } = await anIncident();
  const bad = { version: "2", alias: "beta", why: "9 of 10 failed", at: LOOKED_AT.toISOString() };
  const screen = async () => textOf((await viewer.get(`/console/component?name=${COMPONENT}`)).text);
  expect(await screen()).not.toMatch(/\bbad\b/);
  await change({ kind: "change component", component: COMPONENT, change: { set: "bad version", bad } });
  expect(await screen()).toMatch(/ beta 2 bad .* Found to be bad .* 2 beta 2026-11-20 10:30:00Z 9 of 10 failed/);
});

describe("the screen of a release", () => {
  it("says of one that was stopped where its aliases point, which replay it has, and how it is begun again", async () => {
    const { viewer, change } = await anIncident();
    const at = LOOKED_AT.toISOString();
    const release = aRelease({ version: "2", startedAt: at });
    await change(releaseEdit(COMPONENT, release, { do: "start", release }));
    const said = { how: "stopped" as const, who: "release/4-faster", why: "9 of 10 failed", at };
    await change(releaseEdit(COMPONENT, release, { do: "take back", id: release.id, ...said }));
    await change(releaseEdit(COMPONENT, release, { do: "end", id: release.id }));
    const text = textOf((await viewer.get(`/console/release?id=${release.id}`)).text);
    expect(text).toContain("cohort staff not made");
    expect(text).toContain("points now beta at 2 , stable at 1");
    expect(text).toContain("replay not begun");
    expect(text).toContain("Starts it again turnout release start release-coordinator --version 2 --alias beta");
  });
});

describe("the screens of replays", () => {
  it("list them with where each stands, and show one with its numbers", async () => {
    const { onCall, state } = await anIncident();
    const { lock: _, asked: __, progress: ___, driver: ____, ...request } = aReplay();
    await startReplay(state.replays, { ...request, name: "again", why: "<b>no token</b>" });
    const list = (await onCall.get("/console/replays")).text;
    expect(textOf(list)).toContain("again queued");
    const one = await onCall.get("/console/replay?name=again");
    expect(one.text).toContain("/console/do/replay-cancel?name=again");
    expect(one.text).toContain("&lt;b&gt;no token&lt;/b&gt;");
    expect(one.headers.get("etag")).not.toBeNull();
    const again = await onCall.get("/console/replay?name=again", { "if-none-match": one.headers.get("etag") ?? "" });
    expect(again.status).toBe(304);
  });
});

describe("the histogram of a replay", () => {
  it("is gone through once the replay has ended, also where its window ends within a row", async () => {
    const { viewer, state } = await anIncident();
    const window = { from: new Date("2026-11-20T08:00:10.000Z"), to: new Date("2026-11-20T08:02:20.000Z") };
    const matched = matchedRows(window, new Map([[Date.parse("2026-11-20T08:02:00.000Z"), 5]]));
    await startReplay(state.replays, { ...aReplay({ name: "under-way", window }), matched });
    expect((await viewer.get("/console/replay?name=under-way")).text).toContain("5 matched, 0 of them gone through");
    const endedAt = new Date("2026-11-20T10:00:00.000Z");
    await state.replays.create(aReplay({ name: "ended", window, matched, progress: { endedAt } }));
    expect((await viewer.get("/console/replay?name=ended")).text).toContain("5 matched, 5 of them gone through");
  });
});

describe("the component's screen", () => {
  it("draws where each plan and cohort goes", async () => {
    const { viewer } = await anIncident();
    const text = textOf((await viewer.get(`/console/component?name=${COMPONENT}`)).text);
    expect(text).toContain("customer pin 1 customer cohort route staff plan pin free default alias everybody else");
    expect(text).toContain("No deliveries in this window.");
  });

  it("has pins before all else, counted by level and alias, with where they are listed", async () => {
    const { viewer, change, clock } = await anIncident();
    const screen = async () => (await viewer.get(`/console/component?name=${COMPONENT}`)).text;
    const rules = async () =>
      / everybody else/.exec(textOf(await screen()))?.input.match(/user pin .*? cohort route/)?.[0];
    await screen();
    const until = new Date(clock.now.getTime() + 3_600_000).toISOString();
    const pin = (level: "user" | "project" | "customer", id: string, alias: string, more = {}) => {
      const said = { who: "ada", why: "a test", at: clock.now.toISOString() };
      return change({ kind: "pin", level, id, component: COMPONENT, pin: { alias, ...said, ...more } });
    };
    await pin("customer", "globex", "stable");
    await pin("customer", "initech", "beta", { until });
    await pin("project", "acme/shop", "beta");
    await pin("user", "eve", "stable");
    expect(await rules()).toBe(
      "user pin 1 user project pin 1 project customer pin 2 customers customer pin 1 customer cohort route",
    );
    expect(await screen()).toContain('<a href="/console/customers?level=project">1 project</a>');
    clock.now = new Date(clock.now.getTime() + 3_600_000);
    expect(await rules()).toBe(
      "user pin 1 user project pin 1 project customer pin 1 customer customer pin 1 customer cohort route",
    );
  });

  it("draws no rule that doesn't count now, and no pin while all is stable", async () => {
    const { viewer, change, clock } = await anIncident();
    const text = async () => textOf((await viewer.get(`/console/component?name=${COMPONENT}`)).text);
    const said = { who: "ada", why: "a test", at: clock.now.toISOString() };
    const until = new Date(clock.now.getTime() + 3_600_000).toISOString();
    const pin = { alias: "beta", until, ...said };
    await change({ kind: "pin", level: "plan", id: "free", component: COMPONENT, pin });
    expect(await text()).toContain("plan pin free");
    clock.now = new Date(clock.now.getTime() + 3_600_000);
    expect(await text()).not.toContain("plan pin free");
    await change({ kind: "change component", component: COMPONENT, change: { set: "all stable", allStable: said } });
    expect(await text()).not.toContain("customer pin");
  });
});

describe("what takes an alias back", () => {
  const links = (text: string) =>
    [...text.matchAll(/do\/(rollback|undo)\?[^"]*alias=(\w+)"/g)].map(([, ...what]) => what.join(" "));
  const never = "the change log knows of no version that was promoted to stable of release-coordinator before 1.";

  it("is offered only where there is something to go back to, and says why else", async () => {
    const { onCall } = await anIncident();
    const component = (await onCall.get(`/console/component?name=${COMPONENT}`)).text;
    expect(links(component)).toEqual(["rollback beta", "undo beta"]);
    expect(component.match(new RegExp(`aria-disabled="true" title="[^"]*${never}`, "g"))).toHaveLength(2);
    const overview = (await onCall.get("/console")).text;
    expect(links(overview)).toEqual(["rollback beta"]);
    expect(overview).toContain(never);
  });

  it("is offered once the alias has been moved, and no more once it is back", async () => {
    const { onCall, state } = await anIncident();
    const offered = async () => links((await onCall.get(`/console/component?name=${COMPONENT}`)).text);
    let ids = 0;
    const ports = {
      table: state.routingTable,
      events: state.events,
      catalog: state.catalog,
      newId: () => `m-${++ids}`,
    };
    const move = (kind: "promote" | "rollback", alias: string, from: string, to: string) =>
      moveAlias(ports, {
        ...{ kind, move: { component: COMPONENT, alias, from, to } },
        ...{ who: "ada", why: "a test", command: "turnout test", at: LOOKED_AT },
      });
    await offered();
    await move("promote", "stable", "1", "2");
    await move("rollback", "beta", "2", "1");
    expect(await offered()).toEqual(["rollback stable", "undo stable"]);
  });
});

it("the screen of a component offers to promote only a version that isn't there already", async () => {
  const { onCall, state } = await anIncident();
  const promotes = async () =>
    [
      ...(await onCall.get(`/console/component?name=${COMPONENT}`)).text.matchAll(/do\/promote\?[^"]*source=(\w+)/g),
    ].map(([, source]) => source);
  expect(await promotes()).toEqual(["beta"]);
  await state.catalog.moveAlias(COMPONENT, "beta", "1", "2");
  expect(await promotes()).toEqual([]);
});

describe("the screen of a component's failures", () => {
  it("compares the newest of them, says so, and compares more on demand, as the command beside it does", async () => {
    const { viewer, state } = await anIncident();
    const failures = Array.from({ length: 220 }, (_, n): Failure => {
      const at = new Date(LOOKED_AT.getTime() - n * 1_000);
      const route = { component: COMPONENT, version: "2", alias: "beta", because: "customer pin" } as const;
      const said = { type: "push", errorType: "TypeError", message: "no token", requestId: "" };
      return { at, deliveryKey: `${COMPONENT}#${n}#live`, eventId: `e-${n}`, subject: {}, ...route, ...said };
    });
    await state.events.count({ spans: [], failures }, "a test");
    const text = async (path: string) =>
      textOf((await viewer.get(`/console/failures?component=${COMPONENT}${path}`)).text);
    const quick = await text("");
    expect(quick).toContain("The newest 100 failures");
    expect(quick).toContain("Compare 1000");
    expect(quick).toContain(`turnout failures ${COMPONENT} --compare 100 --since 1h`);
    const whole = await text("&compare=1000");
    expect(whole).toContain("220 failures");
    expect(whole).not.toContain("Compare 1000");
    expect(whole).toContain(`turnout failures ${COMPONENT} --compare 1000 --since 1h`);
  });
});

describe("the guard's screen", () => {
  it("says that a guard has not looked yet, and offers to guard what isn't", async () => {
    const { onCall } = await anIncident();
    const beta = (await onCall.get(`/console/guard?component=${COMPONENT}&alias=beta`)).text;
    expect(textOf(beta)).toContain("It has not looked yet.");
    const stable = (await onCall.get(`/console/guard?component=${COMPONENT}&alias=stable`)).text;
    expect(stable).toContain(`/console/do/guard-set?component=${COMPONENT}&amp;alias=stable`);
  });

  it("says of each change that a guard made what was done, beside why", async () => {
    const { viewer, change } = await anIncident();
    const bad = { version: "2", alias: "beta", why: "9 of 10 failed", at: LOOKED_AT.toISOString() };
    const edit = { kind: "change component", component: COMPONENT, change: { set: "bad version", bad } } as const;
    await change(edit, { who: `guard/${COMPONENT}`, why: bad.why });
    const text = textOf((await viewer.get(`/console/guard?component=${COMPONENT}&alias=beta`)).text);
    expect(text).toContain("What was done Why");
    expect(text).toContain("version 2 marked as worse behind beta 9 of 10 failed");
  });

  it("is among the others with what was done about its version, and when that was found", async () => {
    const { viewer, state } = await anIncident();
    const at = LOOKED_AT.toISOString();
    const verdict = { says: "worse" as const, metrics: [], more: 0 };
    const trip = { at, stage: "ended", mode: "undo", to: "1", verdict, why: "9 of 10 failed", revision: 1 } as const;
    const watched = newWatch({ component: COMPONENT, alias: "beta", version: "9" }, LOOKED_AT, LOOKED_AT);
    await state.watches.put({ ...watched, trip: { ...trip, done: "beta went back to version 1" } });
    const text = textOf((await viewer.get("/console/releases")).text);
    expect(text).toContain(`beta of ${COMPONENT} 9 taken back worse`);
    expect(text).toContain(`found at ${at}: beta went back to version 1 9 of 10 failed`);
  });

  it("names whom the version has failed for, and gives its verdict once", async () => {
    const { viewer, state } = await anIncident();
    const verdict = { says: "no verdict" as const, metrics: [], more: 12 };
    const customers = [customerOf({ subject: { customer: "acme" } }), customerOf({ subject: {} }), "older"];
    const watched = { component: COMPONENT, alias: "beta", version: "2" };
    await state.watches.put({ ...newWatch(watched, LOOKED_AT, LOOKED_AT), customers, verdict });
    const text = textOf((await viewer.get(`/console/guard?component=${COMPONENT}&alias=beta`)).text);
    expect(text).toContain("failed for acme, nobody in particular, older");
    expect(text).toContain("no verdict about 12 more deliveries would show ×10");
  });
});
