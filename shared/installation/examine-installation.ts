import { TurnoutError } from "../domain/errors.ts";
import { examineAliases } from "./examine-aliases.ts";
import { examineHealth } from "./examine-health.ts";
import { examineLaptops } from "./examine-laptops.ts";
import { examineReplays } from "./examine-replays.ts";
import { examineRows } from "./examine-rows.ts";
import { examineUnresolved } from "./examine-unresolved.ts";
import { type Finding, problem } from "./finding.ts";
import type { Installation } from "./installation.ts";

/** Looks at what an installation consists of, and then at what its tables have. Changes nothing. */
export async function examineInstallation(installation: Installation, now: Date): Promise<Finding[]> {
  const parts = await installation.examine(now);
  // Without its table there is nothing to look at.
  const isThere = (table: string) => !parts.some(({ check, status }) => check === table && status === "problem");
  const deliveries = isThere("event table")
    ? [
        await examineUnresolved(installation, now).catch((error: unknown) =>
          unlistable(installation, "deliveries", error),
        ),
        ...(await examineReplays(installation)),
        ...(await examineLaptops(installation, now)),
      ]
    : [];
  const routing = isThere("routing table")
    ? [...(await examineRows(installation.routingTable)), ...(await examineAliases(installation))]
    : [];
  const health =
    isThere("event table") && isThere("routing table")
      ? await examineHealth(installation, now).catch((error: unknown) => [unlistable(installation, "health", error)])
      : [];
  return [...parts, ...deliveries, ...routing, ...health];
}

/** What can't be listed is told like any other trouble, and the rest is looked at all the same. */
function unlistable({ explain }: Pick<Installation, "explain">, check: string, error: unknown): Finding {
  const told = explain(error) ?? error;
  const remedies = told instanceof TurnoutError ? told.remedies : [];
  return problem(check, `can't be listed: ${told instanceof Error ? told.message : String(told)}`, ...remedies);
}
