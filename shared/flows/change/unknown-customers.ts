import type { DirectoryRow } from "../../domain/routing/routing-edit.ts";
import type { SubjectKey } from "../../domain/subject.ts";
import { splitKey } from "../../domain/text/split-key.ts";
import type { RoutingTableReader } from "../../routing-table/routing-table.ts";

/**
 * Customers that projects would get, and of whom neither these rows nor the table say anything else. A project may come
 * before its customer, so that is no error; but one who is misspelt has pins and a plan that never count for the project.
 */
export async function unknownCustomers(
  table: Pick<RoutingTableReader, "rows">,
  rows: readonly DirectoryRow[],
): Promise<string[]> {
  const named = new Set<SubjectKey>();
  for (const row of rows) if (row.level === "project" && row.customer !== null) named.add(`customer#${row.customer}`);
  for (const row of rows) if (row.level === "customer") named.delete(`customer#${row.id}`);
  const { rows: known } = await table.rows([...named]);
  return [...named].filter((key) => !known.has(key)).map((key) => splitKey(key)[1]);
}
