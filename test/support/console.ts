import { randomUUID } from "node:crypto";
import type { Hono } from "hono";
import { onTestFinished } from "vitest";
import type { Role } from "../../functions/console/access/role.ts";
import { tokenAccess } from "../../functions/console/access/token-access.ts";
import { consoleApp } from "../../functions/console/console-app.ts";
import type { RoutingEdit } from "../../shared/domain/routing/routing-edit.ts";
import { openEmbeddedState } from "../../shared/embedded-dependencies.ts";
import { type ChangeRequest, changeRoutes } from "../../shared/flows/change/change-routes.ts";
import { type KeptToken, newConsoleToken } from "../../shared/installation/console-token.ts";
import { installationOn } from "../../shared/installation/embedded-installation.ts";
import type { Installation } from "../../shared/installation/installation.ts";
import { temporaryFolder } from "./tmp.ts";

const ORIGIN = "http://127.0.0.1:4600";
/** When the consoles of tests are looked at, unless they move their clock. */
export const LOOKED_AT = new Date("2026-11-20T10:30:00.000Z");

/**
 * A console in this process, on a state folder of its own, and a browser for each role that is signed in.
 * @param instead what isn't as it is on this machine
 */
export function aConsole(instead: (own: Installation) => Partial<Installation> = () => ({})) {
  const state = openEmbeddedState(temporaryFolder(), { create: true });
  onTestFinished(() => state.close());
  const clock = { now: LOOKED_AT };
  const tokens: KeptToken[] = [];
  const secrets: Record<Role, string> = { viewer: "", operator: "", "on-call": "" };
  for (const [index, role] of (Object.keys(secrets) as Role[]).entries()) {
    const expiresAt = new Date(LOOKED_AT.getTime() + 86_400_000);
    const { token, kept } = newConsoleToken(Buffer.alloc(32, index + 1), { role, name: `a-${role}`, expiresAt });
    secrets[role] = token;
    tokens.push(kept);
  }
  let ids = 0;
  const unexpected: unknown[] = [];
  const own = installationOn(state, () => true);
  const installation = { ...own, ...instead(own) };
  const app = consoleApp({
    installation,
    access: tokenAccess(() => tokens, "Ask for one."),
    where: "here",
    hosts: ["127.0.0.1", "localhost"],
    now: () => clock.now,
    newId: () => `id-${++ids}`,
    onError: (error) => unexpected.push(error),
  });
  /** Makes a change, as somebody with a command does. */
  const change = (edit: RoutingEdit, about: Partial<Pick<ChangeRequest, "who" | "why" | "command">> = {}) =>
    changeRoutes(state.routingTable, {
      changeId: randomUUID(),
      who: "bob",
      why: "a test",
      command: "turnout test",
      at: clock.now,
      edit,
      ...about,
    });
  return {
    app,
    change,
    state,
    installation,
    clock,
    tokens,
    secrets,
    unexpected,
    as: (role: Role) => browser(app, { cookie: `turnout_console_4600=${secrets[role]}` }),
    withoutCookie: browser(app, {}),
  };
}

/** What a browser sends, and the text that it gets. */
function browser(app: Hono, headers: Record<string, string>) {
  const send = async (path: string, init: RequestInit) => {
    const answer = await app.request(`${ORIGIN}${path}`, {
      ...init,
      headers: { host: "127.0.0.1:4600", "sec-fetch-site": "same-origin", ...headers, ...(init.headers as object) },
    });
    return { status: answer.status, headers: answer.headers, text: await answer.text() };
  };
  return {
    get: (path: string, more: Record<string, string> = {}) => send(path, { headers: more }),
    post: (path: string, fields: Record<string, string>, more: Record<string, string> = {}) =>
      send(path, { method: "POST", body: new URLSearchParams(fields), headers: { origin: ORIGIN, ...more } }),
  };
}

/** The fields of the form on a page that is sent to do something, as a browser would send them. */
export function formOn(page: string): { action: string; fields: Record<string, string> } {
  const [form = ""] = /<form[^>]*method="post"[\s\S]*?<\/form>/.exec(page) ?? [];
  const fields = [...form.matchAll(/<input[^>]*type="hidden" name="([^"]*)" value="([^"]*)"/g)].map(
    ([, name, value]) => [name, unescaped(value ?? "")],
  );
  const [, reason = ""] = /name="reason" value="([^"]*)"/.exec(form) ?? [];
  const [, action = ""] = /action="([^"]*)"/.exec(form) ?? [];
  return { action: unescaped(action), fields: { ...Object.fromEntries(fields), reason: unescaped(reason) } };
}

/** The text of an attribute or an element. */
export function unescaped(text: string): string {
  return text
    .replaceAll("&lt;", "<")
    .replaceAll("&gt;", ">")
    .replaceAll("&quot;", '"')
    .replaceAll("&#39;", "'")
    .replaceAll("&amp;", "&");
}
