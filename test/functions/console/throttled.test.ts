import { expect, it } from "vitest";
import { explainAwsError } from "../../../shared/aws/explain-error.ts";
import { aComponent } from "../../support/builders.ts";
import { aConsole, formOn } from "../../support/console.ts";

/** As the SDK gives it out, once it has tried often enough. */
function throttled(): Error {
  const about = { name: "ThrottlingException", $metadata: { attempts: 4 } };
  return Object.assign(new Error("Rate exceeded"), about);
}

it("the console says where a store turns requests away, keeps what was typed, and does it once that is over", async () => {
  const explain = (error: unknown) => explainAwsError(error, "eu-west-1");
  const console = aConsole((own) => ({ explain, routingTable: { ...own.routingTable }, events: { ...own.events } }));
  await console.change({ kind: "apply component", component: aComponent({ name: "mailer" }) });
  const { events, routingTable } = console.installation;
  const operator = console.as("operator");
  const { commit } = routingTable;
  const { records } = events;
  const form = formOn((await operator.get("/console/do/freeze?reason=a+test")).text);
  routingTable.commit = () => Promise.reject(throttled());
  events.records = () => {
    throw throttled();
  };
  const failed = await operator.post(form.action, { ...form.fields, reason: "too much at once" });
  expect(failed.status).toBe(503);
  expect(failed.text).toContain("AWS has turned the request away 4 times");
  expect(formOn(failed.text).fields.reason).toBe("too much at once");
  const stream = await operator.get("/console/stream");
  expect([stream.status, stream.text.includes("AWS has turned the request away")]).toEqual([503, true]);
  Object.assign(routingTable, { commit });
  Object.assign(events, { records });
  const again = formOn(failed.text);
  expect((await operator.post(again.action, again.fields)).status).toBe(303);
  expect((await operator.get("/console/stream")).status).toBe(200);
  expect(console.unexpected).toEqual([]);
});
