import type { Command } from "commander";
import { changeComponent } from "../changes/change-component.ts";
import { withInstallation } from "../terminal/context.ts";
import { aliasName, type ChangeOptions, changeOptions } from "../terminal/options.ts";

const roles = {
  default: { field: "defaultAlias", description: "say where events go that no rule names" },
  fallback: { field: "fallbackAlias", description: "say where events go whose rule names an unknown or retired alias" },
} as const;
type Role = keyof typeof roles;

/** `component default` and `component fallback`. */
export function defineAliasRoles(command: Command): void {
  for (const role of ["default", "fallback"] as const) {
    const setting = command
      .command(role)
      .description(roles[role].description)
      .argument("<component>", "the component")
      .argument("<alias>", "one of its aliases", aliasName("The alias"));
    changeOptions(setting)
      .addHelpText(
        "after",
        `\nExample:\n  $ turnout component ${role} release-coordinator beta --reason
"beta takes over"\n`,
      )
      .action((component: string, alias: string, options: ChangeOptions) => set(role, component, alias, options));
  }
}

async function set(role: Role, component: string, alias: string, options: ChangeOptions): Promise<void> {
  await withInstallation((installation) =>
    changeComponent(installation, options, {
      component,
      change: { set: `${role} alias`, alias },
      what: `make ${alias} the ${role} alias of ${component}`,
      alreadySo: `${alias} is the ${role} alias of ${component} already`,
      undo: (before, reason) => ["component", role, component, before[roles[role].field], ...reason],
      now: new Date(),
    }),
  );
}
