import { html } from "hono/html";
import type { SubjectRow } from "../../../shared/domain/routing/subject-rows.ts";
import type { SubjectLevel } from "../../../shared/domain/subject.ts";
import { own } from "../../../shared/domain/text/schema.ts";
import { percentText } from "../pictures/figure-text.ts";
import type { Html, Look } from "../screen.ts";
import type { Compared, ComparedFailures } from "./compared-failures.ts";
import { type DataColumn, dataTable } from "./data-table.ts";
import { actionLink, foreignText, linkTo } from "./parts.ts";
import type { RoutedComponent } from "./routed-components.ts";

/** A row for each component: where, why, how it does there, and what puts it elsewhere. */
export function routedTable(
  { visitor }: Pick<Look, "visitor">,
  { level, id }: { level: SubjectLevel; id: string },
  routed: readonly RoutedComponent[],
  failed: ComparedFailures,
  row: SubjectRow | undefined,
): Html {
  const compared = (of: (one: Compared) => Html | string) => (one: RoutedComponent) => {
    const found = failed.by.get(one.component);
    return found === undefined ? "" : of(found);
  };
  const columns: DataColumn<RoutedComponent>[] = [
    { title: "Component", isHeading: true, cell: ({ component: name }) => linkTo("component", { name }, name) },
    {
      title: "Goes to",
      cell: ({ version, explanation }) =>
        html`<b>${foreignText(explanation.decision.alias)}</b> ${foreignText(version ?? "no version yet")}`,
    },
    { title: "Why", cell: whyCell },
    { title: "Failed there, 24 h", isNumber: true, cell: compared(({ here }) => failedText(here)) },
    { title: "On others before", isNumber: true, cell: compared(({ elsewhere }) => failedText(elsewhere)) },
    { title: "Everybody there, 1 h", isNumber: true, cell: compared(({ peers }) => peersText(peers)) },
    {
      title: "Do",
      cell: ({ component }) => {
        const button = (action: string, text: string) =>
          actionLink(visitor, "change the routing", action, { [level]: id, component }, text);
        const isPinned = own(row?.pins ?? {}, component) !== undefined;
        return html`<span class="buttons">${button("pin", isPinned ? "Pin elsewhere" : "Pin")}${isPinned ? button("unpin", "Unpin") : ""}</span>`;
      },
    },
  ];
  return dataTable("Where it goes", columns, routed, "There are no components yet.", undefined);
}

function whyCell({ explanation: { decision } }: RoutedComponent): Html {
  const { because, rule, passedOver, fallback, named } = decision;
  const fell = fallback ? html`<br><span class="warn">${foreignText(`${named} is retired or gone`)}</span>` : "";
  const passed = passedOver.map(({ rule: other, why }) => html`<li>${other}: ${foreignText(why)}</li>`);
  return html`${because}<br><span class="soft">${foreignText(rule)}</span>${fell}
${passed.length === 0 ? "" : html`<details><summary>${passed.length} passed over</summary><ul>${passed}</ul></details>`}`;
}

function failedText(count: number): Html {
  return html`<span class="${count > 0 ? "bad" : "soft"}">${count}</span>`;
}

function peersText({ tried, failed }: Compared["peers"]): string {
  return tried === 0 ? "none tried" : `${failed} of ${tried} (${percentText(failed, tried)})`;
}
