import { describe, expect, it } from "vitest";
import { TurnoutError } from "../../../shared/domain/errors.ts";
import { guardrailsIn } from "../../../shared/domain/routing/guardrails.ts";
import { aComponent } from "../../support/builders.ts";
import { aConsole, formOn, unescaped } from "../../support/console.ts";

const PIN = "/console/do/pin?component=release-coordinator&to=beta&customer=acme";

async function aConsoleWithComponent() {
  const console = aConsole();
  await console.change({ kind: "apply component", component: aComponent() });
  await console.change({ kind: "set customer", project: "acme/site", customer: "acme" });
  const pinOf = async (customer: string) => {
    const { rows } = await console.state.routingTable.rows([`customer#${customer}`]);
    const row = rows.get(`customer#${customer}`);
    return row !== undefined && "pins" in row ? row.pins["release-coordinator"] : undefined;
  };
  return { ...console, pinOf, operator: console.as("operator") };
}

describe("the form of an action", () => {
  it("asks for what is missing, with what there is to choose from", async () => {
    const { operator } = await aConsoleWithComponent();
    const { status, text } = await operator.get("/console/do/pin?customer=acme");
    expect(status).toBe(200);
    expect(text).toContain('<option value="release-coordinator">');
    expect(text).toContain('<option value="beta">');
    expect(text).toContain('name="customer" value="acme"');
    expect(text).not.toContain('method="post"');
  });

  it("shows what the command shows before it does something, and the command", async () => {
    const { operator, state } = await aConsoleWithComponent();
    const { text } = await operator.get(PIN);
    expect(text).toContain("pin customer acme of release-coordinator to beta");
    expect(text).toContain("project acme/site: release-coordinator stable → beta");
    expect(unescaped(text)).toContain(
      "turnout pin --component release-coordinator --to beta --customer acme --reason TEXT",
    );
    expect(await state.routingTable.head()).toBe(2);
  });

  it("does it, says what was done, and leads to what takes it back", async () => {
    const { operator, pinOf, state } = await aConsoleWithComponent();
    const { action, fields } = formOn((await operator.get(PIN)).text);
    const sent = await operator.post(action, { ...fields, reason: "acme tries 23" });
    expect(sent.status).toBe(303);
    expect(await pinOf("acme")).toMatchObject({ alias: "beta", who: "a-operator", why: "acme tries 23" });
    const [entry] = await state.routingTable.changesAfter(2, 1);
    expect(entry).toMatchObject({
      who: "a-operator",
      why: "acme tries 23",
      command: "turnout pin --component release-coordinator --to beta --customer acme --reason 'acme tries 23'",
    });

    const done = await operator.get(sent.headers.get("location") ?? "");
    expect(done.text).toContain("revision 3: pin customer acme of release-coordinator to beta");
    expect(unescaped(done.text)).toContain(
      "turnout unpin --customer acme --component release-coordinator --reason 'undo of",
    );
    const [, undo = ""] = /href="([^"]*do\/unpin[^"]*)"/.exec(done.text) ?? [];
    const back = formOn((await operator.get(unescaped(undo))).text);
    expect(back.fields.reason).toBe("undo of revision 3");
    expect((await operator.post(back.action, back.fields)).status).toBe(303);
    expect(await pinOf("acme")).toBeUndefined();
  });

  it("is carried out once, however often it is sent", async () => {
    const { operator, state } = await aConsoleWithComponent();
    const { action, fields } = formOn((await operator.get(PIN)).text);
    const sendAgain = () => operator.post(action, { ...fields, reason: "twice" });
    const answers = await Promise.all([sendAgain(), sendAgain()]);
    answers.push(await sendAgain());
    expect(answers.map(({ status }) => status)).toEqual([303, 303, 303]);
    expect(new Set(answers.map(({ headers }) => headers.get("location"))).size).toBe(1);
    expect(await state.routingTable.head()).toBe(3);
  });

  it("isn't taken where it was never shown: two that come without a name aren't the same", async () => {
    const { operator, state, pinOf } = await aConsoleWithComponent();
    const { action, fields } = formOn((await operator.get(PIN)).text);
    const { form: _, ...unnamed } = fields;
    for (const customer of ["acme", "globex"]) {
      const answer = await operator.post(action, { ...unnamed, customer, reason: "by a script" });
      expect(answer.status).toBe(409);
      expect(answer.text).toContain("Nothing was done");
      const shown = formOn(answer.text);
      expect((await operator.post(shown.action, shown.fields)).status).toBe(303);
      expect(await pinOf(customer)).toMatchObject({ why: "by a script" });
      fields.expectRevision = unnamed.expectRevision = String(await state.routingTable.head());
    }
  });

  it("is about whom it names, byte for byte, and so is its undo", async () => {
    const { operator, pinOf } = await aConsoleWithComponent();
    const { action, fields } = formOn((await operator.get(PIN.replace("acme", "acme%20"))).text);
    const sent = await operator.post(action, { ...fields, reason: " another customer " });
    expect(await pinOf("acme")).toBeUndefined();
    expect(await pinOf("acme ")).toMatchObject({ why: "another customer" });
    const done = await operator.get(sent.headers.get("location") ?? "");
    const [, undo = ""] = /href="([^"]*do\/unpin[^"]*)"/.exec(done.text) ?? [];
    const back = formOn((await operator.get(unescaped(undo))).text);
    expect((await operator.post(back.action, back.fields)).status).toBe(303);
    expect(await pinOf("acme ")).toBeUndefined();
  });

  it("says what has changed since it was shown, and keeps what was typed", async () => {
    const { operator, change, pinOf } = await aConsoleWithComponent();
    const { action, fields } = formOn((await operator.get(PIN)).text);
    await change(
      { kind: "set plan", customer: "acme", plan: "paid" },
      { command: "turnout directory set", who: "carol" },
    );
    const stale = await operator.post(action, { ...fields, reason: "acme & <co>" });
    expect(stale.status).toBe(409);
    expect(stale.text).toContain("revision 3 by carol: turnout directory set (a test)");
    expect(await pinOf("acme")).toBeUndefined();
    const again = formOn(stale.text);
    expect(again.fields.reason).toBe("acme & <co>");
    expect((await operator.post(again.action, again.fields)).status).toBe(303);
    expect(await pinOf("acme")).toMatchObject({ why: "acme & <co>" });
  });

  it("asks why, where nobody says it", async () => {
    const { operator, pinOf } = await aConsoleWithComponent();
    const { action, fields } = formOn((await operator.get(PIN)).text);
    const answer = await operator.post(action, { ...fields, reason: "  " });
    expect(answer.text).toContain("Say why");
    expect(await pinOf("acme")).toBeUndefined();
  });

  it("isn't carried out for who may not do it, and its button names the right that is missing", async () => {
    const { as, pinOf } = await aConsoleWithComponent();
    const page = await as("viewer").get(PIN);
    expect(page.text).toContain('aria-disabled="true"');
    expect(page.text).toContain("The role viewer may not change the routing; operator or on-call may.");
    const { action, fields } = formOn(page.text);
    const sent = await as("viewer").post(action, { ...fields, reason: "all the same" });
    expect(sent.status).toBe(403);
    expect(sent.text).toContain("The role viewer may not");
    expect(await pinOf("acme")).toBeUndefined();
  });

  it("shows what stands against it, and goes past it only where that is said", async () => {
    const { operator, change, pinOf } = await aConsoleWithComponent();
    const freeze = { who: "carol", why: "an incident", at: "2026-11-20T10:00:00.000Z" };
    await change({ kind: "set guardrails", guardrails: { ...guardrailsIn(undefined), freeze } });
    const page = await operator.get(PIN);
    expect(page.text).toContain("an incident");
    const { action, fields } = formOn(page.text);
    const refused = await operator.post(action, { ...fields, reason: "urgent" });
    expect(refused.status).toBe(403);
    expect(await pinOf("acme")).toBeUndefined();
    const forced = await operator.post(action, { ...fields, reason: "urgent", force: "yes" });
    expect(forced.status).toBe(303);
    expect(await pinOf("acme")).toMatchObject({ alias: "beta" });
  });

  it("keeps what was typed where the store is in trouble, says so, and does it once that is over", async () => {
    const { operator, installation, pinOf } = await aConsoleWithComponent();
    const { commit } = installation.routingTable;
    const busy = new TurnoutError("failed", "state.db is busy: another process has been writing for too long.");
    installation.routingTable.commit = () => Promise.reject(busy);
    const { action, fields } = formOn((await operator.get(PIN)).text);
    const failed = await operator.post(action, { ...fields, reason: "acme tries 23" });
    expect(failed.status).toBe(503);
    expect(failed.text).toContain("state.db is busy");
    installation.routingTable.commit = commit;
    const again = formOn(failed.text);
    expect(again.fields.reason).toBe("acme tries 23");
    expect((await operator.post(again.action, again.fields)).status).toBe(303);
    expect(await pinOf("acme")).toMatchObject({ alias: "beta" });
  });

  it("says that there is nothing to do, where it is so already", async () => {
    const { operator } = await aConsoleWithComponent();
    const { text } = await operator.get("/console/do/unpin?component=release-coordinator&customer=acme");
    expect(text).toContain("Nothing to change: <bdi>customer acme has no pin of release-coordinator</bdi>.");
    expect(text).not.toContain('method="post"');
  });

  it.each([
    ["component=nowhere&to=beta&customer=acme", "No component &#39;nowhere&#39;"],
    ["component=release-coordinator&to=gamma&customer=acme", "No alias &#39;gamma&#39;"],
    ["component=release-coordinator&to=beta&customer=acme&plan=paid", "Name exactly one of"],
    ["component=release-coordinator&to=beta&customer=acme&for=soon", "For: "],
    [`component=release-coordinator&to=beta&customer=${"x".repeat(2_000)}`, "customer: "],
  ])("says what is wrong with what was filled in, and keeps it: %s", async (query, problem) => {
    const { operator } = await aConsoleWithComponent();
    const { status, text } = await operator.get(`/console/do/pin?${query}`);
    expect([400, 404]).toContain(status);
    expect(text).toContain(problem);
    const [, customer = ""] = /customer=([^&]*)/.exec(query) ?? [];
    expect(text).toContain(`name="customer" value="${customer}"`);
  });

  it.each(['"><script>alert(1)</script>', "a/b#c?d&e=f", "‮evil", "it's", "…"])(
    "takes an id of any characters, and shows it as text: %s",
    async (id) => {
      const { operator, pinOf, unexpected } = await aConsoleWithComponent();
      const query = new URLSearchParams({ component: "release-coordinator", to: "beta", customer: id });
      const { text } = await operator.get(`/console/do/pin?${query}`);
      expect(text).not.toContain("<script>alert");
      expect(text).not.toContain("\u202e<");
      const { action, fields } = formOn(text);
      const sent = await operator.post(action, { ...fields, reason: "why not" });
      expect(sent.status).toBe(303);
      expect(await pinOf(id)).toMatchObject({ alias: "beta" });
      expect((await operator.get(sent.headers.get("location") ?? "")).text).not.toContain("<script>alert");
      expect(unexpected).toEqual([]);
    },
  );

  it("that nobody remembers any more is told of, with where to look", async () => {
    const { operator } = await aConsoleWithComponent();
    expect(await operator.get("/console/done?form=gone")).toMatchObject({
      status: 404,
      text: expect.stringContaining("remember this form"),
    });
  });
});
