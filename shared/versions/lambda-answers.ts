import type {
  AliasConfiguration,
  FunctionConfiguration,
  GetFunctionEventInvokeConfigCommandOutput,
} from "@aws-sdk/client-lambda";
import type { AliasedVersion } from "./version-catalog.ts";

/** Where nothing else is said (Lambda API reference, FunctionConfiguration and PutFunctionEventInvokeConfig). */
export const DEFAULT_TIMEOUT_S = 3;
const DEFAULT_RETRIES = 2;
const DEFAULT_EVENT_AGE_S = 21_600;

export function versionOf({
  Version: version = "",
  CodeSha256,
  LastModified = "",
  Description = "",
}: FunctionConfiguration) {
  return {
    version,
    codeSha256: hexOf(CodeSha256),
    // `2026-11-20T10:00:00.000+0000`
    publishedAt: new Date(LastModified.replace(/\+0000$/, "Z")),
    description: Description,
  };
}

/** Lambda has the hash of a package in base64, and of an image in hexadecimal. */
export function hexOf(hash = ""): string {
  return /^[0-9a-f]{64}$/.test(hash) ? hash : Buffer.from(hash, "base64").toString("hex");
}

export function aliasedVersion({ Name = "", FunctionVersion = "", RoutingConfig }: AliasConfiguration): AliasedVersion {
  const weights = RoutingConfig?.AdditionalVersionWeights ?? {};
  const aliased = { alias: Name, version: FunctionVersion };
  return Object.keys(weights).length === 0 ? aliased : { ...aliased, alsoTo: weights };
}

export function outcomesIn(config: GetFunctionEventInvokeConfigCommandOutput) {
  const { MaximumRetryAttempts, MaximumEventAgeInSeconds, DestinationConfig } = config;
  return {
    retries: MaximumRetryAttempts ?? DEFAULT_RETRIES,
    maxEventAgeMs: (MaximumEventAgeInSeconds ?? DEFAULT_EVENT_AGE_S) * 1_000,
    areTold: [DestinationConfig?.OnSuccess, DestinationConfig?.OnFailure].every((to) => to?.Destination !== undefined),
  };
}

/** What a version takes over from its function besides the code. */
export function settingsOf(configuration: FunctionConfiguration): string {
  const {
    $metadata: _,
    Version,
    FunctionArn,
    RevisionId,
    LastModified,
    Description,
    CodeSha256,
    State,
    StateReason,
    StateReasonCode,
    LastUpdateStatus,
    LastUpdateStatusReason,
    LastUpdateStatusReasonCode,
    MasterArn,
    SnapStart,
    ...settings
  } = configuration as FunctionConfiguration & { $metadata?: unknown };
  return JSON.stringify({ ...settings, SnapStart: SnapStart?.ApplyOn }, sortedKeys);
}

function sortedKeys(_: string, value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
