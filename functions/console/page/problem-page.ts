import { html } from "hono/html";
import { type ErrorKind, TurnoutError } from "../../../shared/domain/errors.ts";
import { errorText } from "../../../shared/installation/wording/remedy-text.ts";
import type { Page } from "../screen.ts";
import { foreignText } from "./parts.ts";

const statusOf: Record<ErrorKind, NonNullable<Page["status"]>> = {
  failed: 503,
  usage: 400,
  "not found": 404,
  "not allowed": 403,
  conflict: 409,
  "needs confirmation": 400,
};

/** The page of an error. What nobody expected is told by its message alone. */
export function problemPage(error: unknown): Page {
  if (!(error instanceof TurnoutError)) {
    const message = error instanceof Error ? error.message : String(error);
    return { title: "Something went wrong", status: 500, body: html`<p>${foreignText(message, 2_000)}</p>` };
  }
  const title = error.kind === "not found" ? "Not found" : "This can't be shown";
  return { title, status: statusOf[error.kind], body: html`<p>${foreignText(errorText(error), 2_000)}</p>` };
}
