import { describe, expect, it } from "vitest";
import { AccessDenied, explainAwsError } from "../../../shared/aws/explain-error.ts";
import { withPolicies } from "../../../shared/installation/role-policies.ts";
import { aComponent } from "../../support/builders.ts";
import { aConsole, formOn } from "../../support/console.ts";

const FUNCTION = "arn:aws:lambda:eu-west-1:123456789012:function";

/** As AWS answers a viewer, and as an environment tells it. */
function denied(action: string, resource: string): Error {
  const user = "arn:aws:sts::123456789012:assumed-role/Viewer/ada";
  const message = `User: ${user} is not authorized to perform: ${action} on resource: ${resource} because no policy does`;
  return Object.assign(new Error(message), { name: "AccessDeniedException" });
}

function explain(error: unknown): Error | undefined {
  const told = error instanceof AccessDenied ? error : explainAwsError(error, "eu-west-1");
  const prod = { environment: "prod", application: "turnout" };
  return told instanceof AccessDenied ? withPolicies(told, prod, "eu-west-1") : told;
}

describe("a button of what AWS denies", () => {
  it("is disabled before anybody has pressed it, and names the policies, where AWS could be asked", async () => {
    const told: { replayer?: AccessDenied } = {};
    const error = explain(denied("lambda:InvokeFunction", `${FUNCTION}:prod-turnout-replayer`));
    if (error instanceof AccessDenied) told.replayer = error;
    const console = aConsole(() => ({ explain, deniedCalls: async () => ({ ...told }) }));
    await console.change({ kind: "apply component", component: aComponent({ name: "mailer" }) });
    const ada = console.as("on-call");
    const form = "/console/do/replay-start?edit=1";
    const replays = await ada.get("/console/replays");
    expect(replays.text).toMatch(/aria-disabled="true"[^>]*prod-turnout-on-call-eu-west-1/);
    expect(replays.text).not.toContain("/console/do/replay-start");
    expect((await ada.get("/console/customer?customer=acme")).text).toContain("/console/do/pin?");
    // A right that is given is found within a minute.
    delete told.replayer;
    expect((await ada.get("/console/replays")).text).toContain('aria-disabled="true"');
    console.clock.now = new Date(console.clock.now.getTime() + 60_000);
    expect((await ada.get("/console/replays")).text).toContain("/console/do/replay-start");
    expect((await ada.get(form)).status).toBe(200);
  });

  it("is disabled for five minutes once AWS has denied it, and says when that was", async () => {
    const console = aConsole(({ routingTable }) => ({
      explain,
      routingTable: {
        ...routingTable,
        commit: () => Promise.reject(denied("lambda:InvokeFunction", `${FUNCTION}:prod-turnout-committer`)),
      },
    }));
    const ada = console.as("operator");
    const form = formOn((await ada.get("/console/do/freeze?reason=a+test")).text);
    const send = () => ada.post(form.action, { ...form.fields, reason: "a test" });
    expect((await send()).status).toBe(403);
    const again = (await ada.get("/console/do/freeze?reason=a+test")).text;
    expect(again).toContain('aria-disabled="true"');
    expect(again).toContain("prod-turnout-operator-eu-west-1");
    expect(again).toContain("AWS said so at 10:30 UTC; it may be tried again from 10:35 UTC on.");
    console.clock.now = new Date(console.clock.now.getTime() + 300_000);
    expect((await ada.get("/console/do/freeze?reason=a+test")).text).not.toContain('aria-disabled="true"');
  });
});

describe("what AWS denies on the console", () => {
  it("is a page that names the action and the policies that have it, after a form is sent", async () => {
    const console = aConsole(({ routingTable }) => ({
      explain,
      routingTable: {
        ...routingTable,
        commit: () => Promise.reject(denied("lambda:InvokeFunction", `${FUNCTION}:prod-turnout-committer`)),
      },
    }));
    await console.change({ kind: "apply component", component: aComponent({ name: "mailer" }) });
    const ada = console.as("operator");
    const asked = await ada.get("/console/do/freeze?reason=a+test");
    const form = formOn(asked.text);
    const answer = await ada.post(form.action, { ...form.fields, reason: "a test" });
    expect(answer.status).toBe(403);
    expect(answer.text).toContain("AWS doesn&#39;t allow this");
    expect(answer.text).toContain("<code>lambda:InvokeFunction</code>");
    expect(answer.text).toContain("prod-turnout-operator-eu-west-1, prod-turnout-on-call-eu-west-1");
    expect(formOn(answer.text).action).toBe("");
    expect(console.unexpected).toEqual([]);
  });

  it("is such a page where a screen can't be shown, too, and where no policy has the action it says so", async () => {
    const refusing = (action: string) =>
      aConsole(({ routingTable }) => ({
        explain,
        routingTable: { ...routingTable, head: () => Promise.reject(denied(action, "*")) },
      }));
    const known = await refusing("dynamodb:GetItem").as("viewer").get("/console/changes");
    expect([known.status, known.text.includes("prod-turnout-viewer-eu-west-1")]).toEqual([403, true]);
    const unknown = await refusing("kms:Decrypt").as("viewer").get("/console/changes");
    expect([unknown.status, unknown.text.includes("kms:Decrypt")]).toEqual([403, true]);
    expect(unknown.text).toContain("No policy of this environment has it");
  });
});
