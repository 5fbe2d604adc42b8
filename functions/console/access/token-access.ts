import { type KeptToken, tokenNamed } from "../../../shared/installation/console-token.ts";
import { CONSOLE } from "../page/address.ts";
import type { Identify } from "./identify.ts";

/**
 * Signs people in by a token, which stands in the address once and in a cookie from then on. No page can read the cookie,
 * and no page of another origin makes the browser send it.
 * @param how how to come by a token, in a sentence
 */
export function tokenAccess(tokens: () => readonly KeptToken[], how: string): Identify {
  return {
    async identify(request, now) {
      const token = cookieOf(request);
      if (token === undefined) return { signIn: `Sign in first. ${how}` };
      const found = tokenNamed(token, tokens(), now);
      if (found === undefined)
        return { signIn: `The token that you signed in with isn't one, or not any more. ${how}` };
      if (found === "expired") return { signIn: `The token that you signed in with has expired. ${how}` };
      return { visitor: { name: found.name, role: found.role } };
    },
    async exchange(request, now) {
      const token = new URL(request.url).searchParams.get("token") ?? "";
      const found = tokenNamed(token, tokens(), now);
      if (found === undefined || found === "expired") return undefined;
      const seconds = Math.floor((Date.parse(found.expiresAt) - now.getTime()) / 1_000);
      const cookie = `${cookieName(request)}=${token}; Path=${CONSOLE}; Max-Age=${seconds}; HttpOnly; SameSite=Strict`;
      return new Headers({ "set-cookie": cookie });
    },
  };
}

function cookieOf(request: Request): string | undefined {
  const name = cookieName(request);
  for (const pair of (request.headers.get("cookie") ?? "").split(";")) {
    const [key = "", value = ""] = pair.trim().split("=", 2);
    if (key === name && value !== "") return value;
  }
  return undefined;
}

/** A browser sends a host's cookies to all of its ports: consoles of several installations have one each. */
function cookieName(request: Request): string {
  const host = request.headers.get("host") ?? new URL(request.url).host;
  return `turnout_console_${/:(\d+)$/.exec(host)?.[1] ?? "80"}`;
}
