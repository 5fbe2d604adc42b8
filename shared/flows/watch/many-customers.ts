import type { RoutingTableReader } from "../../routing-table/routing-table.ts";
import { whoIsOn } from "../explain/who-is-on.ts";

/** From so many on, a version isn't judged by what one of them sends. */
const MANY = 3;

/** Whether many customers of the directory, or nobody in particular, are on one of these aliases. Stops once it knows. */
export async function hasManyCustomers(
  table: RoutingTableReader,
  component: string,
  aliases: readonly string[],
  now: Date,
): Promise<boolean> {
  const customers = new Set<string>();
  for (const alias of aliases) {
    for await (const page of whoIsOn(table, component, alias, now)) {
      for (const { subject } of page) {
        const { customer, project, plan } = subject;
        // A plan, or nobody in particular, stands for any number.
        if (customer === undefined && project === undefined) return true;
        if (plan === undefined || customer !== undefined) customers.add(customer ?? `project ${project}`);
      }
      if (customers.size >= MANY) return true;
    }
  }
  return false;
}
