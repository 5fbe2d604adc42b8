import { environmentName } from "../../../shared/installation/wording/environment-name.ts";
import { embeddedSettings } from "../../../shared/settings.ts";
import { usage } from "../terminal/options.ts";

/**
 * The state folder, for a command that works on it alone.
 * @throws TurnoutError `usage` when an environment on AWS is meant
 */
export function embeddedHome(command: string): string {
  const environment = environmentName();
  if (environment === undefined) return embeddedSettings(process.env).home;
  throw usage(
    `'turnout ${command}' is for the state on this machine, and ${environment} is on AWS: its tables have ` +
      "point-in-time recovery, and its bucket versions.",
  );
}
