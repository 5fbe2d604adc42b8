import type { Component } from "../domain/component.ts";
import { type Decision, decideRoute } from "../domain/decide-route.ts";
import type { Revision } from "../domain/routing-change.ts";
import { resolveSubject, type Subject } from "../domain/subject.ts";
import type { RoutingCache } from "./routing-cache.ts";

/** What would happen to an event of this subject now, and why. */
export type Explanation = { component: Component; subject: Subject; decision: Decision; revision: Revision };

/** Decides as the router does, with the trace on; undefined when there is no such component. */
export async function explainRoute(
  routing: RoutingCache,
  componentName: string,
  stated: Subject,
  now: Date,
): Promise<Explanation | undefined> {
  await routing.refresh();
  return routing.decideOn((view) => {
    const component = view.listeners.find((listener) => listener.component.name === componentName)?.component;
    if (component === undefined) return undefined;
    const subject = resolveSubject(stated, view.rowOf);
    const decision = decideRoute({ component, subject, rowOf: view.rowOf, now });
    return { component, subject, decision, revision: view.revision };
  });
}
