import { type AskedOfComponent, componentChange } from "../../../shared/installation/changes/asked-component-change.ts";
import type { Installation } from "../../../shared/installation/installation.ts";
import type { ChangeOptions } from "../terminal/options.ts";
import { changeRouting } from "./change-routing.ts";

/** Changes how one component routes. */
export async function changeComponent(
  installation: Pick<Installation, "routingTable" | "events" | "who">,
  options: ChangeOptions,
  asked: AskedOfComponent,
): Promise<void> {
  await changeRouting(installation, options, componentChange(asked));
}
