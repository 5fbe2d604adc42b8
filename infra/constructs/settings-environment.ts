import type { AwsSettings, HostedSettings } from "../../shared/settings.ts";

/** Environment variables that Turnout's functions and its CLI read. `AWS_REGION` is set by Lambda itself. */
export type SettingsEnvironment = { [name in Exclude<keyof (typeof AwsSettings)["shape"], "AWS_REGION">]?: string };

/** Environment variables of the console's function, which finds all others as the CLI does. */
export type HostedEnvironment = { [name in keyof (typeof HostedSettings)["shape"]]?: string };
