import { describe, expect, it } from "vitest";
import { readable } from "../../../shared/domain/routing/unreadable-row.ts";
import { aConsole, formOn, LOOKED_AT, unescaped } from "../../support/console.ts";
import { COMPONENT, setUpIncident } from "../../support/incident.ts";
import { anEntry, aRecord } from "../../support/stored-events.ts";
import { temporaryFolder } from "../../support/tmp.ts";

async function anIncident() {
  const console = aConsole();
  await setUpIncident(console.state, temporaryFolder(), LOOKED_AT);
  const onCall = console.as("on-call");
  const component = async () => {
    const { rows } = await console.state.routingTable.rows([`component#${COMPONENT}`]);
    return readable(rows.get(`component#${COMPONENT}`));
  };
  /** Opens a form, agrees to what it shows, and follows to what was done. */
  const agreeTo = async (path: string, more: Record<string, string> = {}) => {
    const asked = await onCall.get(path);
    const { action, fields } = formOn(asked.text);
    const sent = await onCall.post(action, { ...fields, reason: "because", ...more });
    const done = sent.status === 303 ? await onCall.get(sent.headers.get("location") ?? "") : sent;
    return { asked: unescaped(asked.text), status: sent.status, done: unescaped(done.text) };
  };
  const undo = (done: string) => /href="([^"]*)">Undo this/.exec(done)?.[1] ?? "";
  return { ...console, onCall, component, agreeTo, undo };
}

/** Deliveries that are dead, a few minutes before. */
async function withDead(count: number) {
  const incident = await anIncident();
  const { state } = incident;
  for (let n = 0; n < count; n++) {
    const t0 = new Date(LOOKED_AT.getTime() - 300_000 + n);
    const names = { id: `e-${n}`, eventKey: `key-${n}`, payloadHash: "hash", t0, components: [COMPONENT] };
    await state.events.record([aRecord({ ...names, source: "shop", subject: { customer: "acme" } })]);
    await state.events.reject([
      anEntry({ component: COMPONENT, eventKey: `key-${n}`, t0, status: "dead", alias: "beta", executedVersion: "2" }),
    ]);
  }
  return incident;
}

const window = `from=${new Date(LOOKED_AT.getTime() - 600_000).toISOString()}&to=${LOOKED_AT.toISOString()}`;

describe("a revert by form", () => {
  it("shows the rows as they will be, and is itself taken back", async () => {
    const { agreeTo, undo, state } = await anIncident();
    const planOf = async () => readable((await state.routingTable.rows(["customer#acme"])).rows.get("customer#acme"));
    const { asked, done } = await agreeTo("/console/do/revert?revisions=2");
    expect(asked).toContain("revert revision 2");
    const [shown = "", stored = ""] = asked.split("<details>");
    expect(shown).toContain("customer acme: no plan, before pro");
    expect(shown).not.toContain('"pro"');
    expect(stored).toContain('- plan: "pro"');
    expect((await planOf())?.plan).toBeUndefined();
    await agreeTo(undo(done));
    expect((await planOf())?.plan).toBe("pro");
  });

  it.each(["x", "9999", "5..1"])("says what is wrong with revisions that are none: %s", async (revisions) => {
    const { onCall, unexpected } = await anIncident();
    const { status, text } = await onCall.get(`/console/do/revert?revisions=${revisions}`);
    expect([400, 404]).toContain(status);
    expect(text).toContain('role="alert"');
    expect(unexpected).toEqual([]);
  });
});

describe("a guard by form", () => {
  it("is set in another mode, and put back by the undo", async () => {
    const { agreeTo, undo, component } = await anIncident();
    const { done } = await agreeTo(`/console/do/guard-set?component=${COMPONENT}&alias=beta&mode=undo&all=yes`);
    expect((await component())?.guards?.beta).toMatchObject({ mode: "undo", all: true, why: "because" });
    await agreeTo(undo(done));
    expect((await component())?.guards?.beta?.mode).not.toBe("undo");
  });
});

describe("a release by form", () => {
  const START = `/console/do/release-start?component=${COMPONENT}&version=2&through=cohort:staff,5%25&every=10m&guard=undo`;

  it("shows whom each step moves, begins, is paused, resumed and taken back", async () => {
    const { agreeTo, component } = await anIncident();
    const { asked, done } = await agreeTo(START);
    expect(asked).toContain("by 5%, moved besides: ");
    expect(asked).toContain("then its rules go, and beta keeps 2");
    expect(done).toContain("release 2-because of release-coordinator is begun");
    await agreeTo("/console/do/release-pause?id=2-because");
    expect((await component())?.release?.paused).toMatchObject({ who: "a-on-call", why: "because" });
    await agreeTo("/console/do/release-resume?id=2-because");
    expect((await component())?.release?.paused).toBeUndefined();
    const aborted = await agreeTo("/console/do/release-abort?id=2-because");
    expect(aborted.status).toBe(303);
    expect((await component())?.release?.ending ?? (await component())?.release?.ended).toMatchObject({
      how: "aborted",
    });
  });

  it("says what is wrong with steps that are none", async () => {
    const { onCall } = await anIncident();
    const { status, text } = await onCall.get(START.replace("5%25", "25%25,5%25"));
    expect(status).toBe(400);
    expect(text).toContain("a share can only grow");
  });
});

describe("a replay by form", () => {
  it("shows what it would deliver, minute by minute, and starts just that", async () => {
    const { agreeTo, onCall, state } = await withDead(3);
    const { asked, done } = await agreeTo(
      `/console/do/replay-start?${window}&customer=acme&status=unresolved&name=again`,
    );
    expect(asked).toContain("deliver 3 deliveries again");
    expect(asked).toContain("3 matched, at most 3 per minute");
    expect(done).toContain("replay again is started");
    const told = await onCall.get("/console/replay?name=again");
    expect(told.text).toContain("3 matched, 0 of them gone through, at most 3 per minute");
    expect(await state.replays.get("again")).toMatchObject({
      planned: { sent: 3 },
      filter: { customer: "acme", status: "unresolved" },
      who: "a-on-call",
    });
  });

  it("is paused, resumed and cancelled", async () => {
    const { agreeTo, state } = await withDead(1);
    await agreeTo(`/console/do/replay-start?${window}&name=again`);
    for (const [word, asked] of [
      ["pause", "pause"],
      ["resume", "run"],
      ["cancel", "cancel"],
    ]) {
      expect((await agreeTo(`/console/do/replay-${word}?name=again`)).status).toBe(303);
      expect((await state.replays.get("again"))?.asked).toBe(asked);
    }
  });

  it("is not started when the routing has changed since it was shown, and says what has", async () => {
    const { onCall, state, change } = await withDead(1);
    const { action, fields } = formOn((await onCall.get(`/console/do/replay-start?${window}`)).text);
    await change({ kind: "set plan", customer: "acme", plan: "gold" });
    const sent = await onCall.post(action, { ...fields, reason: "because" });
    expect(sent.status).toBe(409);
    expect(sent.text).toContain("the routing has changed since this was shown");
    expect(sent.text).toContain('value="because"');
    expect(await state.replays.list(1)).toEqual([]);
  });

  it.each(["viewer", "operator"] as const)("is not for a %s, who sees why", async (role) => {
    const { as } = await withDead(1);
    const { text } = await as(role).get(`/console/do/replay-start?${window}`);
    expect(text).toContain(`The role ${role} may not replay events`);
    expect((await as(role).post("/console/do/replay-start", { form: "f", reason: "x" })).status).toBe(403);
  });

  it("says what is wrong with what was filled in", async () => {
    const { onCall, unexpected } = await withDead(1);
    for (const wrong of ["status=lost", "pattern={", "to-alias=No+Name", "mode=twice", "name=live"]) {
      const { status, text } = await onCall.get(`/console/do/replay-start?${window}&${wrong}`);
      expect([wrong, status]).toEqual([wrong, 400]);
      expect(text).toContain('role="alert"');
    }
    expect(unexpected).toEqual([]);
  });
});

describe("the undo of a version by form", () => {
  it("shows both halves, rolls back, and finishes what the version left", async () => {
    const { agreeTo, state } = await withDead(2);
    const { asked, done } = await agreeTo(`/console/do/undo?component=${COMPONENT}&alias=beta`);
    expect(asked).toContain("roll beta of release-coordinator back from 2 to version 1");
    expect(asked).toContain("and finish what version 2 has handled since");
    expect(done).toContain("Undo this");
    const [replay] = await state.replays.list(1);
    expect(replay).toMatchObject({ asked: "run", mode: "finish", who: "a-on-call", why: "because" });
    const aliases = await state.catalog.aliases(COMPONENT);
    expect(aliases.find(({ alias }) => alias === "beta")?.version).toBe("1");
  });
});
