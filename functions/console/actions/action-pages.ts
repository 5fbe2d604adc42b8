import { html } from "hono/html";
import { AccessDenied } from "../../../shared/aws/explain-error.ts";
import { RevisionConflict, TurnoutError } from "../../../shared/domain/errors.ts";
import type { Revision } from "../../../shared/domain/routing/routing-change.ts";
import { errorText } from "../../../shared/installation/wording/remedy-text.ts";
import { commandLine } from "../../../shared/installation/wording/shell-quote.ts";
import type { DeniedRights } from "../access/denied-rights.ts";
import { missingRight } from "../access/role.ts";
import { address } from "../page/address.ts";
import { filledIn } from "../page/filled-in.ts";
import { formField, hiddenFields } from "../page/form-fields.ts";
import { commandBlock, foreignText, textLines } from "../page/parts.ts";
import type { Html, Look, Page, Redirect } from "../screen.ts";
import type { Action, ActionField, Choice, Planned } from "./action.ts";
import { actionName, commandOf, formOf } from "./action-command.ts";
import { actions } from "./actions.ts";
import type { SentForms } from "./sent-forms.ts";

/** What was posted beside the fields of the action itself. */
type Posted = { reason: string; expectedRevision: Revision; form: string; force: boolean };

const NO_FORM =
  "Nothing was done: this wasn't sent by a form of the console. Look at what it does, and send it from here.";

/** The form of an action: to be filled in as long as something is missing, and then with what it would do. */
export async function askAction(look: Look, action: Action): Promise<Page> {
  const given = givenTo(action, look.query);
  const isAsked = look.query.has("edit") || action.fields.some(({ name, required }) => required && !given.has(name));
  const hasAny = action.fields.length === 0 || given.size > 0;
  if (isAsked || !hasAny) return fillIn(look, action, given);
  return tryPlan(look, action, given, look.query.get("reason") ?? "");
}

/** Carries out what was agreed to, and leads to what was done; shows it again where it isn't what was agreed to. */
export async function sendAction(
  look: Look,
  action: Action,
  body: URLSearchParams,
  forms: SentForms,
  rights: DeniedRights,
): Promise<Page | Redirect> {
  const { visitor, installation, now, newId } = look;
  const missing = missingRight(visitor, action.right);
  if (missing !== undefined) throw new TurnoutError("not allowed", missing);
  const given = givenTo(action, body);
  const posted = readPosted(body);
  const sent = `${visitor.name} ${posted.form}`;
  if (posted.reason === "") return tryPlan(look, action, given, "", "Say why, for whoever reads the change log.");
  // All that come without one would count as the same form: the second would be told what the first has done.
  if (posted.form === "") return { ...(await tryPlan(look, action, given, posted.reason, NO_FORM)), status: 409 };
  try {
    await forms.once(sent, async () => {
      const { reason, expectedRevision, force } = posted;
      const planned = await action.plan({ installation, given, who: visitor.name, reason, now, newId });
      if (planned.nothing !== undefined) throw new TurnoutError("conflict", `Nothing to change: ${planned.nothing}.`);
      const command = commandOf(action, given, reason, force);
      return planned.carryOut({ reason, command, force, expectedRevision });
    });
  } catch (error) {
    const told = installation.explain(error) ?? error;
    if (told instanceof AccessDenied) rights.learn(action.right, told, now);
    // A page of its own, without the button: pressing it again would be denied again.
    if (!(told instanceof TurnoutError) || told instanceof AccessDenied) throw told;
    const since = told instanceof RevisionConflict ? await changesSince(look, posted.expectedRevision) : [];
    const why =
      told instanceof RevisionConflict
        ? "Nothing was changed yet: the routing has changed since this was shown. Look at what it does now."
        : errorText(told);
    const status = told.kind === "not allowed" ? 403 : told.kind === "failed" ? 503 : 409;
    return { ...(await tryPlan(look, action, given, posted.reason, why, since)), status };
  }
  return { to: address("done", { form: posted.form }) };
}

/** What a form has done: with what takes it back, as a button and as a command. */
export async function donePage({ visitor, query }: Look, forms: SentForms): Promise<Page> {
  const done = await forms.find(`${visitor.name} ${query.get("form") ?? ""}`);
  if (done === undefined) {
    const message = "The server doesn't remember this form: it was restarted, or many others were sent since.";
    throw new TurnoutError("not found", `${message} The changes say what was done.`);
  }
  const { what, lines = [], undo, next } = done;
  const form = undo && formOf(undo, actions.values());
  const body = html`<p class="good">${foreignText(what, 2_000)}</p>
${textLines(lines)}
<p class="buttons">
${form && html`<a class="button main" href="${address(`do/${actionName(form.action)}`, form.given)}">Undo this</a>`}
${next && html`<a class="button" href="${address(next.screen, next.params)}">${next.text}</a>`}
<a class="button" href="${address("")}">Overview</a>
</p>
${undo && commandBlock("Undo by command", commandLine(...undo))}`;
  return { title: "Done", body };
}

async function tryPlan(
  look: Look,
  action: Action,
  given: URLSearchParams,
  reason: string,
  problem?: string,
  since: readonly string[] = [],
): Promise<Page> {
  const { installation, visitor, now, newId } = look;
  try {
    const asked = { installation, given, who: visitor.name, reason: reason || "…", now, newId };
    return agree(look, action, given, await action.plan(asked), { reason, problem, since });
  } catch (error) {
    const told = installation.explain(error) ?? error;
    if (!(told instanceof TurnoutError) || told instanceof AccessDenied) throw told;
    return { ...(await fillIn(look, action, given, errorText(told))), status: told.kind === "not found" ? 404 : 400 };
  }
}

/** The fields, to be filled in. */
async function fillIn(look: Look, action: Action, given: URLSearchParams, problem?: string): Promise<Page> {
  const fields = await Promise.all(
    action.fields.map(async (field) => {
      return formField(field, await choicesOf(look, field, given), given.get(field.name) ?? undefined);
    }),
  );
  const body = html`<p>${action.about}</p>${problem && problemNote(problem)}
<form class="fields" action="${address(`do/${actionName(action)}`)}">${fields}<p class="buttons"><button class="main">Show what it would do</button></p></form>`;
  return { title: action.title, body };
}

async function choicesOf({ installation }: Look, field: ActionField, given: URLSearchParams): Promise<Choice[]> {
  if (field.kind !== "choice") return [];
  const { choices } = field;
  const all = typeof choices === "function" ? await choices(installation, given) : choices;
  return all.map((choice) => (typeof choice === "string" ? { value: choice } : choice));
}

type Agreeing = { reason: string; problem: string | undefined; since: readonly string[] };

/** What it would do, and the button that does it. */
function agree(
  { visitor, newId }: Look,
  action: Action,
  given: URLSearchParams,
  planned: Planned,
  about: Agreeing,
): Page {
  const { what, revision, lines, rows = [], picture, warnings = [], objections = [], nothing } = planned;
  const missing = missingRight(visitor, action.right);
  const here = `do/${actionName(action)}`;
  const again = new URLSearchParams([...given, ["edit", "1"]]);
  const change =
    action.fields.length === 0
      ? ""
      : html`<a class="button" href="${address(here, again)}">Change what is filled in</a>`;
  const told = html`${about.problem && problemNote(about.problem)}
${about.since.length > 0 && html`<h2>Changed since</h2>${textLines(about.since)}`}
<h2><bdi>${what}</bdi></h2>
<p class="soft">The routing is at revision ${revision}.</p>
<section class="preview" aria-label="What it would do">${textLines(lines)}${picture}</section>
${
  rows.length > 0 &&
  html`<details><summary>The rows as they are stored</summary><pre tabindex="0">${rows.map(
    (line) => html`${foreignText(line, 500)}
`,
  )}</pre></details>`
}
${warnings.map((warning) => html`<p class="warn">Warning: ${foreignText(warning, 2_000)}</p>`)}`;
  if (nothing !== undefined) {
    return {
      title: action.title,
      body: html`${told}<p>Nothing to change: ${foreignText(nothing, 2_000)}.</p><p class="buttons">${change}</p>`,
    };
  }
  const force =
    objections.length > 0 &&
    html`<section class="preview objections" aria-label="What stands against it">${textLines(objections)}</section>
<div class="field"><label><input type="checkbox" name="force" value="yes"> Do it all the same; it is logged as forced</label></div>`;
  const button =
    missing === undefined
      ? html`<button class="main">${action.title}</button>`
      : html`<button type="button" class="button" aria-disabled="true" aria-describedby="missing">${action.title}</button>`;
  const body = html`${told}
<form class="fields" method="post" action="${address(here)}">
${hiddenFields(given)}
<input type="hidden" name="expectRevision" value="${revision}">
<input type="hidden" name="form" value="${newId()}">
${force}
<div class="field"><label for="reason">Reason</label><p class="hint" id="reason-hint">Why, for the change log.</p>
<input id="reason" name="reason" value="${about.reason}" required maxlength="2000" autocomplete="off" aria-describedby="reason-hint"></div>
<p class="buttons">${button}${change}</p>
${missing && html`<p id="missing" class="warn">${missing}</p>`}
</form>
${commandBlock("The same by command", commandOf(action, given, about.reason))}`;
  return { title: action.title, body };
}

function problemNote(problem: string): Html {
  return html`<p class="bad" role="alert">${foreignText(problem, 2_000)}</p>`;
}

/** What was filled in of an action's own fields; what is empty was not. */
function givenTo({ fields }: Action, all: URLSearchParams): URLSearchParams {
  const given = new URLSearchParams();
  for (const { name } of fields) {
    const values = all.getAll(name).map((value) => filledIn(name, value));
    for (const value of values) if (value !== "") given.append(name, value);
  }
  return given;
}

function readPosted(body: URLSearchParams): Posted {
  const revision = body.get("expectRevision") ?? "";
  return {
    reason: (body.get("reason") ?? "").trim(),
    // Without one, whatever the routing is at is another than what was shown.
    expectedRevision: /^\d{1,15}$/.test(revision) ? Number(revision) : -1,
    form: body.get("form") ?? "",
    force: body.has("force"),
  };
}

/** The changes that came after a revision, the first of them. */
async function changesSince({ installation }: Look, revision: Revision): Promise<string[]> {
  if (revision < 0) return [];
  const changes = await installation.routingTable.changesAfter(revision, 10);
  return changes.map(({ revision: made, who, why, command }) => `revision ${made} by ${who}: ${command} (${why})`);
}
