import { expect, test } from "vitest";
import { aFailingCustomer, foundFailures, publishOfAll } from "../../scripts/bench/failing-customer.ts";
import { startServer } from "../support/server-process.ts";
import { temporaryFolder } from "../support/tmp.ts";

/** As many as come within 20 s at 200 a second. */
const EVENTS = 4_000;

test("failures names first the one customer and the one value of its events that a version fails for", async () => {
  const home = `${temporaryFolder()}/state`;
  await aFailingCustomer(home);
  const server = await startServer(home);
  await publishOfAll(server.url, EVENTS);
  // Failures are stored within 5 s.
  let found = await foundFailures(home);
  while (!found.isFirst) found = await foundFailures(home);
  expect(JSON.parse(found.said.split("\n")[0] ?? "")).toMatchObject({
    errors: [{ error: "TypeError: no token", first_seen: "23" }],
    act: "turnout pin --customer customer-7 --component release-coordinator --to stable --reason TEXT",
  });
  expect(found.named).toBe(1);
});
