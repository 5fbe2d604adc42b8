import type { Subject } from "../../../shared/domain/subject.ts";
import { type Explanation, explainOn } from "../../../shared/flows/explain/explain-route.ts";
import { routingCache } from "../../../shared/flows/routing-cache.ts";
import type { Installation } from "../../../shared/installation/installation.ts";

/** Where a subject's events go at one component. */
export type RoutedComponent = { component: string; version: string | undefined; explanation: Explanation };

/** Decided for every component, all by the same rows. */
export async function routedOf(
  { routingTable, catalog }: Pick<Installation, "routingTable" | "catalog">,
  subject: Subject,
  now: Date,
): Promise<RoutedComponent[]> {
  const explained = await routingCache(routingTable).decideOn((view) =>
    view.listeners.map(({ component }) => explainOn(view, component, { subject }, now)),
  );
  return Promise.all(
    explained.map(async (explanation) => {
      const { name } = explanation.component;
      const { alias } = explanation.decision;
      const version = (await catalog.aliases(name)).find((one) => one.alias === alias)?.version ?? undefined;
      return { component: name, version, explanation };
    }),
  );
}
