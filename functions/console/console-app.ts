import { createHash } from "node:crypto";
import { type Context, Hono } from "hono";
import { html } from "hono/html";
import { TurnoutError } from "../../shared/domain/errors.ts";
import type { Installation } from "../../shared/installation/installation.ts";
import { type DeniedRights, deniedRights } from "./access/denied-rights.ts";
import type { Identify } from "./access/identify.ts";
import { foreignRequest } from "./access/own-origin.ts";
import type { Visitor } from "./access/role.ts";
import { secureHeaders } from "./access/secure-headers.ts";
import { askAction, donePage, sendAction } from "./actions/action-pages.ts";
import { actions } from "./actions/actions.ts";
import { type SentForms, sentForms } from "./actions/sent-forms.ts";
import { readAssets } from "./assets/assets.ts";
import { CONSOLE } from "./page/address.ts";
import { foreignText } from "./page/parts.ts";
import { problemPage } from "./page/problem-page.ts";
import { wholePage } from "./page/whole-page.ts";
import type { Look, Page, Screen } from "./screen.ts";
import { screens } from "./screens/screens.ts";

export type ConsoleOptions = {
  installation: Installation;
  access: Identify;
  /** What is worked on, as it stands beside the name: `this machine`, or an environment. */
  where: string;
  /** The names that the console goes by in an address, without a port. */
  hosts: readonly string[];
  now: () => Date;
  newId: () => string;
  /** What nobody expected: the page says little of it. */
  onError: (error: unknown) => void;
};

/** Addresses are read whole before they are understood. */
const MAX_ADDRESS_CHARS = 8_192;

/** The console: pages for whoever signs in, on one installation. It keeps nothing but the forms that were just sent. */
export function consoleApp({ installation, access, where, hosts, now, newId, onError }: ConsoleOptions): Hono {
  const assets = readAssets();
  const forms = sentForms();
  const rights = deniedRights(installation);
  const names = new Set(hosts);
  const frame = {
    where,
    assets: {
      style: assets.addressOf("console.css"),
      icon: assets.addressOf("icon.svg"),
      scripts: ["idiomorph.js", "console-client.js"].map(assets.addressOf),
    },
  };
  const app = new Hono();
  app.use(secureHeaders);

  async function answer(context: Context, page: Page, visitor?: Visitor): Promise<Response> {
    const searched = context.req.query("q");
    const shown = { ...frame, ...(visitor && { visitor }), ...(searched !== undefined && { searched }) };
    const text = (await wholePage(page, shown)).toString();
    if (page.live) {
      const etag = `"${createHash("sha256").update(text).digest("base64url").slice(0, 22)}"`;
      context.header("etag", etag);
      if (context.req.header("if-none-match") === etag) return context.body(null, 304);
    }
    return context.html(text, page.status ?? 200);
  }

  /** What goes wrong while a page is made is a page, too. */
  async function shown(context: Context, screen: Screen, visitor: Visitor): Promise<Response> {
    const look: Look = { installation, visitor, now: now(), query: new URL(context.req.url).searchParams, newId };
    try {
      const page = await screen(look);
      if ("to" in page) return context.redirect(page.to, 303);
      return await answer(context, page, visitor);
    } catch (error) {
      const told = installation.explain(error) ?? error;
      if (!(told instanceof TurnoutError)) onError(told);
      return answer(context, problemPage(told), visitor);
    }
  }

  app.use(async (context, next) => {
    const { raw } = context.req;
    const refused = raw.url.length > MAX_ADDRESS_CHARS ? "The address is too long." : foreignRequest(raw, names);
    if (refused !== undefined)
      return answer(context, { title: "Not here", status: 403, body: html`<p>${refused}</p>` });
    return next();
  });

  app.get(`${CONSOLE}/assets/:name`, (context) => {
    const asset = assets.find(context.req.param("name"));
    if (asset === undefined) return context.text("There is no such file.", 404);
    context.header("cache-control", "private, max-age=31536000, immutable");
    return context.body(asset.text, 200, { "content-type": asset.type });
  });

  app.get(`${CONSOLE}/sign-in`, async (context) => {
    const kept = await access.exchange?.(context.req.raw, now());
    if (kept === undefined) return answer(context, signInPage("This token isn't one, or has expired.", context));
    for (const [name, value] of kept) context.header(name, value);
    return context.redirect(CONSOLE, 303);
  });

  app.all("*", async (context) => {
    const identified = await access.identify(context.req.raw, now());
    if ("signIn" in identified) return answer(context, signInPage(identified.signIn, context));
    if ("refused" in identified) {
      const { refused, status } = identified;
      return answer(context, { title: "Not let in", status, body: html`<p>${foreignText(refused, 2_000)}</p>` });
    }
    const visitor = { ...identified.visitor, denied: await rights.of(now()) };
    const screen = await screenOf(context, forms, rights);
    return screen === undefined ? answer(context, noSuchPage, visitor) : shown(context, screen, visitor);
  });
  return app;
}

/** What answers a request: a screen, the form of an action, or what sends one. */
async function screenOf({ req }: Context, forms: SentForms, rights: DeniedRights): Promise<Screen | undefined> {
  const path = req.path.replace(/\/$/, "");
  const name = path.slice(CONSOLE.length + 1);
  if (path !== CONSOLE && !path.startsWith(`${CONSOLE}/`)) return undefined;
  const action = name.startsWith("do/") ? actions.get(name.slice("do/".length)) : undefined;
  if (req.method === "POST") {
    const body = new URLSearchParams(await req.text());
    return action && ((look) => sendAction(look, action, body, forms, rights));
  }
  if (action !== undefined) return (look) => askAction(look, action);
  return name === "done" ? (look) => donePage(look, forms) : screens.get(name);
}

const noSuchPage: Page = {
  title: "Nothing here",
  status: 404,
  body: html`<p>The console has no such page. <a href="${CONSOLE}">Go to the overview</a>, or search for what you look for.</p>`,
};

function signInPage(why: string, context: Context): Page {
  // The cookie doesn't come with a link from elsewhere; it does with one from here.
  const { pathname, search } = new URL(context.req.url);
  const isPage = pathname.startsWith(`${CONSOLE}/`) && pathname !== `${CONSOLE}/sign-in`;
  // Of any other path it is the overview: one that begins with `//` would lead to another host.
  const again = isPage ? `${pathname}${search}` : CONSOLE;
  return {
    title: "Sign in",
    status: 401,
    body: html`<p>${why}</p><p>Signed in, and came by a link? <a href="${again}">Open the page again</a>.</p>`,
  };
}
