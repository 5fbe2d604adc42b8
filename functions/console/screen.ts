import type { html } from "hono/html";
import type { Installation } from "../../shared/installation/installation.ts";
import type { Visitor } from "./access/role.ts";

/** Markup whose texts are escaped: what the tag `html` makes of a template. */
export type Html = ReturnType<typeof html>;

/** What a screen is made of: what there is to see, who looks, when, and what the address asks for. */
export type Look = {
  installation: Installation;
  visitor: Visitor;
  now: Date;
  /** Everything that is asked stands here: ids may have any character, and in a path some browsers and proxies undo them. */
  query: URLSearchParams;
  newId: () => string;
};

export type Section = "overview" | "stream" | "customers" | "failures" | "changes" | "releases" | "replays";

export type Page = {
  title: string;
  /** Marked in the navigation. */
  section?: Section;
  /** What doesn't move by itself, such as a form to filter by: it stands above the body. */
  above?: Html;
  body: Html;
  /** The body is asked for again every 2 s, and put in place where it has changed. Nothing in it may tell the time of day. */
  live?: boolean;
  /** Default: 200. */
  status?: 200 | 400 | 401 | 403 | 404 | 409 | 500 | 503;
};

/** Where to go instead: an address on the console. */
export type Redirect = { to: string };

/** Makes a page of what is asked. @throws TurnoutError, which becomes a page that says what is wrong and what to do */
export type Screen = (look: Look) => Promise<Page | Redirect>;
