import { aliasOf, type Component } from "../../../shared/domain/routing/component.ts";
import { ownPlaceOf } from "../../../shared/domain/routing/target-address.ts";
import type { Installation } from "../../../shared/installation/installation.ts";
import { remediesText } from "../../../shared/installation/wording/remedy-text.ts";
import { commandLine } from "../../../shared/installation/wording/shell-quote.ts";
import { note } from "../terminal/output.ts";

/**
 * Warns where the alias that events go to which no rule names points at no version yet, with the command that mends it.
 * On AWS a function's aliases are made with a version, so nothing is asked there.
 */
export async function noteNowhere({ catalog, versions }: Installation, component: Component): Promise<void> {
  if (versions.from !== "folders") return;
  const { name, defaultAlias: alias } = component;
  const target = aliasOf(component, alias)?.target;
  if (target === undefined || ownPlaceOf(target) !== undefined) return;
  if ((await catalog.aliases(name)).some((one) => one.alias === alias)) return;
  const newest = (await catalog.versions(name)).at(-1)?.version;
  const mend =
    newest === undefined
      ? remediesText([{ operation: "publish version", component: name, alias }])
      : `Point it at one: ${commandLine("alias", "set", name, alias, newest, "--reason", "the first version")}`;
  note(
    `warning: ${alias} of ${name}, where everybody else goes, has no version yet: events for it will be dead. ${mend}`,
  );
}
