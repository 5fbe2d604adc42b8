import { traitText } from "../../domain/health/trait.ts";
import type { Watch } from "../../domain/health/watch.ts";
import { type ExplainedFailures, explainFailures, type SeenError } from "./explain-failures.ts";
import type { GuardPorts } from "./guard-ports.ts";

/**
 * What a version's failures say most of all, and what they have in common as `failures` finds it: for whoever reads why it
 * was taken back. None where that can't be found out: nothing waits for it.
 */
export async function toldOfFailures(
  { routingTable, catalog, events, random }: GuardPorts,
  { component, alias, version, from }: Watch,
  now: Date,
): Promise<string[]> {
  const window = { from: new Date(from), to: new Date(now.getTime() + 1) };
  const asked = { component, window, filter: { alias, version } };
  try {
    const { errors, explanations } = await explainFailures({ routingTable, catalog, events }, asked, now, random);
    const [error] = errors;
    const [explained] = explanations;
    return [...(error === undefined ? [] : [errorText(error)]), ...(explained ? [commonText(explained)] : [])];
  } catch {
    return [];
  }
}

function errorText({ error, version, isFirst }: SeenError): string {
  return `most of all ${error}${isFirst ? `, first seen on ${version}` : ""}`;
}

function commonText({ traits, failures }: ExplainedFailures): string {
  return `${traits.map(traitText).join(" and ")}: ${failures.length} of the failures that were compared`;
}
