import { plural } from "../domain/text/plural.ts";
import { healthOf, type VersionHealth } from "../flows/watch/health.ts";
import { type Finding, fine, warning } from "./finding.ts";
import type { Installation } from "./installation.ts";

const CHECK = "health";

const MINUTES = 15;

/** What `turnout health` says of the last minutes. */
export async function examineHealth(
  { events, routingTable, catalog }: Pick<Installation, "events" | "routingTable" | "catalog">,
  now: Date,
): Promise<Finding[]> {
  const window = { from: new Date(now.getTime() - MINUTES * 60_000), to: new Date(now.getTime() + 1) };
  const { versions } = await healthOf({ events, routingTable, catalog }, { window }, now);
  const unhealthy = versions.filter(({ verdict }) => verdict.level !== "ok");
  if (unhealthy.length > 0) return unhealthy.map(warningOf);
  const firsts = versions.reduce((sum, { counts }) => sum + counts.firsts, 0);
  return [fine(CHECK, `no version is unhealthy, by ${plural(firsts, "first attempt")} of the last ${MINUTES} minutes`)];
}

function warningOf({ component, version, counts, customersAffected, topError }: VersionHealth): Finding {
  const share = ((100 * counts.failed) / counts.firsts).toFixed(1);
  const rate = `${share} % of ${plural(counts.firsts, "first attempt")} of the last ${MINUTES} minutes failed`;
  const isNew = topError?.isNew === true ? ", first seen on it" : "";
  const error = topError === undefined ? "" : `; most often ${topError.error}${isNew}`;
  return warning(
    CHECK,
    `${component} version ${version === "" ? "?" : version} is unhealthy: ${rate}, for ${plural(customersAffected, "customer")}${error}`,
    { operation: "tell failures apart", component },
  );
}
