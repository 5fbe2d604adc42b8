import { isThrottlingError } from "@smithy/core/retry";
import { TurnoutError } from "../domain/errors.ts";

/** AWS doesn't let whoever asks do something. */
export class AccessDenied extends TurnoutError {
  override readonly name = "AccessDenied";
  /** What was to be done, and on what, as policies name it. */
  readonly action: string;
  readonly resource: string | undefined;
  /** What was denied, in a sentence. */
  readonly said: string;
  /** The policies of the environment that allow it, by their names. */
  readonly policies: readonly string[];

  constructor(denied: Pick<AccessDenied, "action" | "resource" | "said">, policies: readonly string[], cause: unknown) {
    const whom =
      policies.length === 0
        ? `Ask whoever gives out permissions for ${denied.action}`
        : `Ask whoever gives out permissions for the policy ${policies.join(" or ")}, which has ${denied.action}`;
    super("not allowed", `${denied.said} ${whom}.`, { cause });
    this.action = denied.action;
    this.resource = denied.resource;
    this.said = denied.said;
    this.policies = policies;
  }
}

/**
 * What a person can do about an error of an AWS client that says something about access, the region or the control plane
 * rather than about the request; undefined for all others.
 * @param region where the request went
 */
export function explainAwsError(error: unknown, region: string): TurnoutError | undefined {
  if (!(error instanceof Error) || error instanceof TurnoutError) return undefined;
  const denied = ACCESS_DENIED.has(error.name) ? deniedIn(error.message) : undefined;
  if (denied !== undefined) return new AccessDenied(denied, [], error);
  const explanation = explanationOf(error, region);
  return explanation && new TurnoutError(explanation[0], explanation[1], { cause: error });
}

const ACCESS_DENIED = new Set(["AccessDenied", "AccessDeniedException", "UnauthorizedOperation"]);

const EXPIRED = new Set(["ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"]);

const WRONG_KEYS = new Set([
  "InvalidClientTokenId",
  "UnrecognizedClientException",
  "InvalidAccessKeyId",
  "AuthFailure",
]);

const WRONG_SIGNATURE = new Set(["InvalidSignatureException", "SignatureDoesNotMatch", "RequestTimeTooSkewed"]);

/** Of Node, and of the SDK's own transport. */
const UNREACHABLE = new Set([
  "ENOTFOUND",
  "EAI_AGAIN",
  "ECONNREFUSED",
  "ECONNRESET",
  "ENETUNREACH",
  "EHOSTUNREACH",
  "EPIPE",
  "ETIMEDOUT",
  "TimeoutError",
]);

const SIGN_IN = "Sign in again ('aws sso login', or whatever gives you credentials) and run the command again";

function explanationOf(error: Error, region: string): [TurnoutError["kind"], string] | undefined {
  const { name, message } = error;
  if (EXPIRED.has(name) || (isOfProvider(name) && /expired/i.test(message))) {
    return ["not allowed", `The AWS session has expired (${message}). ${SIGN_IN}.`];
  }
  if (isOfProvider(name)) {
    const remedy = "Set AWS_PROFILE to a profile that has some, sign in with 'aws sso login', or set AWS_ACCESS_KEY_ID";
    return ["not allowed", `No AWS credentials were found (${message}). ${remedy}.`];
  }
  if (/^Region is missing/.test(message)) {
    return ["usage", "No AWS region is set. Set AWS_REGION, or name one in the profile."];
  }
  if (WRONG_KEYS.has(name)) {
    return ["not allowed", `AWS doesn't know these credentials in ${region} (${message}). ${SIGN_IN}.`];
  }
  if (WRONG_SIGNATURE.has(name)) {
    const remedy = "Check the secret key, and that this machine's clock is right";
    return ["not allowed", `AWS didn't take the request's signature (${message}). ${remedy}.`];
  }
  if (ACCESS_DENIED.has(name)) {
    return ["not allowed", `AWS doesn't allow this (${message}). Ask whoever gives out permissions for it.`];
  }
  if (isThrottlingError(error as Parameters<typeof isThrottlingError>[0])) {
    const tries = triesOf(error);
    const often = tries > 1 ? ` ${tries} times` : "";
    return ["failed", `AWS has turned the request away${often}: there are too many (${name}). Try again in a minute.`];
  }
  const code = "code" in error ? String(error.code) : name;
  if (UNREACHABLE.has(code) || UNREACHABLE.has(name)) {
    const what = `AWS can't be reached in ${region} (${message || code})`;
    return ["failed", `${what}. Check the network, and that AWS_REGION is a region that there is.`];
  }
  return undefined;
}

function isOfProvider(name: string): boolean {
  return name === "CredentialsProviderError" || name === "TokenProviderError" || name === "ProviderError";
}

/** `User: ARN is not authorized to perform: lambda:UpdateAlias on resource: ARN because …`, as most services say it. */
function deniedIn(message: string): Pick<AccessDenied, "action" | "resource" | "said"> | undefined {
  const said = /^User: (\S+) is not authorized to perform: (\S+)(?: on resource: (\S+))?/.exec(message);
  if (said === null) return undefined;
  const [, user, action = "", on] = said;
  const resource = on?.replace(/[.,]$/, "");
  return { action, resource, said: `${user} may not do ${action}${resource === undefined ? "" : ` on ${resource}`}.` };
}

function triesOf(error: Error): number {
  const metadata = "$metadata" in error ? error.$metadata : undefined;
  if (typeof metadata !== "object" || metadata === null || !("attempts" in metadata)) return 1;
  return Number(metadata.attempts);
}
