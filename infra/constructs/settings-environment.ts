import type { AwsSettings } from "../../shared/settings.ts";

/** Environment variables that Turnout's functions and its CLI read. `AWS_REGION` is set by Lambda itself. */
export type SettingsEnvironment = { [name in Exclude<keyof (typeof AwsSettings)["shape"], "AWS_REGION">]?: string };
