import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, it } from "vitest";
import { aConsole, LOOKED_AT } from "../../support/console.ts";
import { COMPONENT, setUpIncident } from "../../support/incident.ts";
import { temporaryFolder } from "../../support/tmp.ts";

const CUSTOMERS = 100_000;
const MAX_BYTES = 60_000;
/** Reading all of them takes seconds; the first look loads and compiles what all others have. */
const MAX_CPU_MS = 500;

/** Straight into the table: what is looked at is no log of a hundred thousand changes. */
function addCustomers(home: string): void {
  const file = new DatabaseSync(join(home, "state.db"));
  file.exec(`
    WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ${CUSTOMERS})
    INSERT INTO routing_rows (key, value)
    SELECT 'customer#customer-' || n, '{"plan":"pro","pins":{},"cohorts":[]}' FROM n`);
  file.close();
}

it("the console answers shortly with a hundred thousand customers in its directory", async () => {
  const { as, state, unexpected } = aConsole();
  await setUpIncident(state, temporaryFolder(), LOOKED_AT);
  addCustomers(state.home);
  const operator = as("operator");
  const pin = `do/pin?component=${COMPONENT}&to=beta`;
  for (const [path, words] of [
    ["", COMPONENT],
    ["customers", "There are more."],
    ["customers?begins=customer-9999", "customer-99999"],
    ["customer?customer=customer-99999", "customer-99999"],
    ["customer?plan=pro", "pro"],
    ["search?q=customer-", "Nothing goes by this name"],
    [`component?name=${COMPONENT}`, "Aliases"],
    ["do/pin", "To the alias"],
    [`${pin}&customer=customer-99999`, "stable → beta"],
  ] as const) {
    const cpu = process.threadCpuUsage();
    const { text } = await operator.get(`/console${path === "" ? "" : `/${path}`}`);
    const { user, system } = process.threadCpuUsage(cpu);
    expect(text, path).toContain(words);
    expect(Buffer.byteLength(text), path).toBeLessThanOrEqual(MAX_BYTES);
    expect((user + system) / 1_000, path).toBeLessThan(MAX_CPU_MS);
  }
  expect(unexpected).toEqual([]);
});
