import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, it, onTestFinished } from "vitest";
import { aComponent } from "../../support/builders.ts";
import { aConsole, formOn } from "../../support/console.ts";

it("the console says that the state file is locked, keeps what was typed, and does it once that is over", async () => {
  const console = aConsole();
  await console.change({ kind: "apply component", component: aComponent({ name: "mailer" }) });
  const operator = console.as("operator");
  const form = formOn((await operator.get("/console/do/freeze?reason=a+test")).text);
  console.state.database.connection.exec("PRAGMA busy_timeout = 0");
  const other = new DatabaseSync(join(console.state.home, "state.db"));
  onTestFinished(() => other.close());
  other.exec("BEGIN IMMEDIATE");

  const failed = await operator.post(form.action, { ...form.fields, reason: "somebody else writes" });
  expect(failed.status).toBe(503);
  expect(failed.text).toContain("is busy: another process has been writing for too long");
  expect(formOn(failed.text).fields.reason).toBe("somebody else writes");
  // Readers wait for no writer.
  expect((await operator.get("/console/changes")).status).toBe(200);

  other.exec("ROLLBACK");
  const again = formOn(failed.text);
  expect((await operator.post(again.action, again.fields)).status).toBe(303);
  expect((await operator.get("/console/changes")).text).toContain("somebody else writes");
  expect(console.unexpected).toEqual([]);
});
