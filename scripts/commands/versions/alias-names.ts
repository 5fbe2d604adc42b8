import type { Command } from "commander";
import { AliasNotFound, TurnoutError } from "../../../shared/domain/errors.ts";
import { aliasOf } from "../../../shared/domain/routing/component.ts";
import { pinnedTo } from "../../../shared/flows/explain/find-subjects.ts";
import { componentNamed } from "../../../shared/flows/versions/component-named.ts";
import { namedSubjects } from "../../../shared/installation/wording/named-subjects.ts";
import type { RoutingTable } from "../../../shared/routing-table/routing-table.ts";
import { changeComponent } from "../changes/change-component.ts";
import { withInstallation } from "../terminal/context.ts";
import { aliasName, type ChangeOptions, changeOptions } from "../terminal/options.ts";

/** `alias add`, `alias retire` and `alias remove`. */
export function defineAliasNames(command: Command): void {
  const named = (name: string, description: string, help: string) =>
    changeOptions(
      command
        .command(name)
        .description(description)
        .argument("<component>", "the component")
        .argument("<alias>", "the alias", aliasName("The alias")),
    ).addHelpText("after", help);

  named(
    "add",
    "give a component another alias, or take a retired one into use again",
    `
Point it at a version afterwards, with 'alias set' or 'publish-version --alias'.

Example:
  $ turnout alias add mailer branch-new-cool-page --reason "for review"
`,
  ).action(add);
  named(
    "retire",
    "take an alias out of use",
    `
No new rule may name it. Subjects that are pinned to it go to their pin's
successor, or to the component's fallback alias.

Example:
  $ turnout alias retire mailer branch-new-cool-page --reason "merged"
`,
  ).action(retire);
  named(
    "remove",
    "take an alias away for good; refused while a pin or rule names it",
    `
Example:
  $ turnout alias remove mailer branch-new-cool-page --reason "merged"
`,
  ).action(remove);
}

async function add(component: string, alias: string, options: ChangeOptions): Promise<void> {
  await withInstallation((installation) =>
    changeComponent(installation, options, {
      component,
      change: { set: "alias", alias },
      what: `add alias ${alias} to ${component}`,
      alreadySo: `${component} has the alias ${alias} already`,
      undo: (before, reason) => {
        const opposite = aliasOf(before, alias) === undefined ? "remove" : "retire";
        return ["alias", opposite, component, alias, ...reason];
      },
      now: new Date(),
    }),
  );
}

async function retire(component: string, alias: string, options: ChangeOptions): Promise<void> {
  await withInstallation((installation) =>
    changeComponent(installation, options, {
      component,
      change: { retire: "alias", alias },
      what: `retire alias ${alias} of ${component}`,
      alreadySo: `alias ${alias} of ${component} is retired already`,
      undo: (_, reason) => ["alias", "add", component, alias, ...reason],
      now: new Date(),
    }),
  );
}

async function remove(name: string, alias: string, options: ChangeOptions): Promise<void> {
  await withInstallation(async (installation) => {
    const { routingTable } = installation;
    const now = new Date();
    // Before the scan: a pin that is made during it, or after it, is a conflict.
    const plannedOn = await routingTable.head();
    const component = await componentNamed(routingTable, name);
    if (aliasOf(component, alias) === undefined) throw new AliasNotFound(alias, name, Object.keys(component.aliases));
    await refuseIfPinned(routingTable, name, alias, now);
    await changeComponent(installation, options, {
      component: name,
      change: { remove: "alias", alias },
      what: `remove alias ${alias} of ${name}`,
      alreadySo: `${name} has no alias ${alias}`,
      plannedOn,
      now,
    });
  });
}

/** @throws TurnoutError `not allowed` that says who is pinned to the alias */
async function refuseIfPinned(table: RoutingTable, component: string, alias: string, now: Date): Promise<void> {
  const pinned = await namedSubjects(pinnedTo(table, component, alias, now));
  if (pinned === undefined) return;
  throw new TurnoutError(
    "not allowed",
    `Alias '${alias}' of ${component} is still named by the pins of ${pinned}. Nothing was changed. ` +
      "Pin them elsewhere or unpin them first, or retire the alias instead.",
  );
}
