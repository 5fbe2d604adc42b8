import { html } from "hono/html";
import { dataTable } from "../page/data-table.ts";
import { foreignText } from "../page/parts.ts";
import type { Look, Page } from "../screen.ts";

/** Every component and version, a line each. */
export async function overviewScreen({ installation }: Look): Promise<Page> {
  const { components } = await installation.routingTable.components();
  const table = dataTable(
    "Components",
    [{ title: "Component", isHeading: true, cell: ({ name }) => foreignText(name) }],
    components,
    "There are no components yet.",
  );
  return { title: "Overview", section: "overview", live: true, body: html`${table}` };
}
