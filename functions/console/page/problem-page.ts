import { html } from "hono/html";
import { AccessDenied } from "../../../shared/aws/explain-error.ts";
import { type ErrorKind, TurnoutError } from "../../../shared/domain/errors.ts";
import { errorText } from "../../../shared/installation/wording/remedy-text.ts";
import type { Html, Page } from "../screen.ts";
import { facts, foreignText } from "./parts.ts";

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
  if (error instanceof AccessDenied) return deniedPage(error);
  const title = error.kind === "not found" ? "Not found" : "This can't be shown";
  return { title, status: statusOf[error.kind], body: html`<p>${foreignText(errorText(error), 2_000)}</p>` };
}

function deniedPage(denied: AccessDenied): Page {
  return { title: "AWS doesn't allow this", status: 403, body: deniedFacts(denied) };
}

/** What AWS has denied, and the policies to ask for. */
function deniedFacts({ said, action, resource, policies }: AccessDenied): Html {
  const [one] = policies;
  const asked =
    one === undefined
      ? html`No policy of this environment has it: ask whoever gives out permissions for it.`
      : html`Ask whoever gives out permissions for ${policies.length === 1 ? "this policy" : "one of these policies"}.`;
  return html`<p class="bad" role="alert">${foreignText(said, 2_000)}</p>
${facts([
  ["action", html`<code>${action}</code>`],
  ["on", resource && html`<code>${foreignText(resource, 2_000)}</code>`],
  [policies.length > 1 ? "policies" : "policy", one && html`<code>${policies.join(", ")}</code>`],
])}
<p>${asked} What was denied was not done.</p>`;
}
