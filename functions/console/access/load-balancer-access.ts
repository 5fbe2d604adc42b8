import { AlbJwtVerifier } from "aws-jwt-verify";
import { AlbJwksCache } from "aws-jwt-verify/alb-cache";
import { TurnoutError } from "../../../shared/domain/errors.ts";
import type { HostedSettings } from "../../../shared/settings.ts";
import type { Identify } from "./identify.ts";
import type { Role, Visitor } from "./role.ts";

const CLAIMS_HEADER = "x-amzn-oidc-data";
const KEYS_TIMEOUT_MS = 3_000;

/** Those that may more come first. */
const ROLES: readonly Role[] = ["on-call", "operator", "viewer"];

/**
 * Takes people for whom a load balancer says they are. It signs each request's claims: whoever comes by another way can't,
 * and what another balancer has signed, or this one for another client, isn't taken.
 */
export function loadBalancerAccess({ signer, client, issuer, keys, claim, groups }: HostedSettings): Identify {
  const about = { albArn: signer, clientId: client, issuer, ...(keys && { jwksUri: keys }) };
  const verifier = AlbJwtVerifier.create(about, { jwksCache: new AlbJwksCache({ fetcher: { fetch: fetchKey } }) });

  return {
    async identify(request) {
      const token = request.headers.get(CLAIMS_HEADER);
      if (token === null) return { signIn: "No load balancer says who you are. Open the console by its own address." };
      let claims: Record<string, unknown>;
      try {
        claims = await verifier.verify(token);
      } catch (error) {
        if (error instanceof TurnoutError) return { refused: error.message, status: 503 };
        // What was wrong with it is of no use to whoever has made it.
        return {
          signIn: "What stands in the request isn't what this console's load balancer says of you, or not any more.",
        };
      }
      const name = nameIn(claims);
      if (name === undefined || claims.exp === undefined) return { refused: "Your sign-in has no name.", status: 403 };
      const role = roleOf(groupsIn(claims[claim]), groups);
      if (role !== undefined) return { visitor: { name, role } satisfies Visitor };
      const asked = `Ask whoever gives out groups for one that may look, and sign in again`;
      return {
        refused: `${name} is in no group that has a role on this console (claim '${claim}'). ${asked}.`,
        status: 403,
      };
    },
  };
}

/** A mail address that its provider hasn't checked is whatever somebody has typed. */
function nameIn({ email, email_verified: verified, sub }: Record<string, unknown>): string | undefined {
  const isChecked = verified !== false && verified !== "false";
  if (typeof email === "string" && email !== "" && isChecked) return email;
  return typeof sub === "string" && sub !== "" ? sub : undefined;
}

/** A list; or one text with commas, as some providers give it. */
function groupsIn(claim: unknown): string[] {
  if (typeof claim === "string") return claim.split(",").map((group) => group.trim());
  return Array.isArray(claim) ? claim.filter((group) => typeof group === "string") : [];
}

function roleOf(own: readonly string[], groups: HostedSettings["groups"]): Role | undefined {
  return ROLES.find((role) => groups[role].some((group) => own.includes(group)));
}

/** @throws TurnoutError `failed` when nobody answers; an Error when there is no such key */
async function fetchKey(address: string): Promise<ArrayBuffer> {
  const answer = await fetch(address, { signal: AbortSignal.timeout(KEYS_TIMEOUT_MS) }).catch((cause) => {
    throw new TurnoutError("failed", "The load balancer's public keys can't be reached. Try again.", { cause });
  });
  if (answer.status >= 500)
    throw new TurnoutError("failed", "The load balancer's public keys can't be had. Try again.");
  if (!answer.ok) throw new Error(`There is no key at ${address}.`);
  return answer.arrayBuffer();
}
