import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { commandOf, formOf } from "../../../functions/console/actions/action-command.ts";
import { actions } from "../../../functions/console/actions/actions.ts";
import { aComponent } from "../../support/builders.ts";
import { aConsole, formOn, unescaped } from "../../support/console.ts";
import { allRowsOf } from "../../support/routing-table.ts";
import { temporaryFolder } from "../../support/tmp.ts";

const RC = "release-coordinator";

/** A component with three versions: stable at 1, beta at 2; stable was at 3 before. */
async function aConsoleWithVersions() {
  const console = aConsole();
  await console.change({ kind: "apply component", component: aComponent() });
  const { catalog } = console.state;
  for (const version of [1, 2, 3]) {
    const source = join(temporaryFolder(), "code");
    mkdirSync(source);
    writeFileSync(join(source, "index.js"), `export const handler = async () => ${version};\n`);
    await catalog.publish({ component: RC, source, now: console.clock.now });
  }
  const onCall = console.as("on-call");
  /** Fills in a form, sends it, and answers with the page of what was done. */
  async function carryOut(address: string, reason = "a test") {
    const page = await onCall.get(address);
    const { action, fields } = formOn(page.text);
    const sent = await onCall.post(action, { ...fields, reason });
    expect(sent, sent.text).toMatchObject({ status: 303 });
    return onCall.get(sent.headers.get("location") ?? "");
  }
  const aliases = async () =>
    Object.fromEntries((await catalog.aliases(RC)).map(({ alias, version }) => [alias, version]));
  await carryOut(`/console/do/alias-set?component=${RC}&alias=stable&version=3`);
  await carryOut(`/console/do/alias-set?component=${RC}&alias=stable&version=1`);
  await carryOut(`/console/do/alias-set?component=${RC}&alias=beta&version=2`);
  return { ...console, onCall, carryOut, aliases };
}

/** The rows without what is told of who said something when. */
async function stateOf({ state, aliases }: Awaited<ReturnType<typeof aConsoleWithVersions>>) {
  return { rows: await allRowsOf(state.routingTable), aliases: await aliases() };
}

describe("an action's undo", () => {
  it.each([
    ["promote", `component=${RC}&source=beta&alias=stable`],
    ["rollback", `component=${RC}&alias=stable`],
    ["alias-set", `component=${RC}&alias=beta&version=3`],
    ["all-stable", `component=${RC}`],
    ["freeze", ""],
    ["pin", `component=${RC}&to=beta&customer=acme`],
  ])("of %s stands as a button and as a command, and puts everything back", async (name, query) => {
    const console = await aConsoleWithVersions();
    const before = await stateOf(console);
    const done = await console.carryOut(`/console/do/${name}?${query}`);
    expect(await stateOf(console)).not.toEqual(before);
    const [, undo = ""] = /href="([^"]*)">Undo this/.exec(done.text) ?? [];
    expect(done.text).toContain("Undo by command");
    await console.carryOut(unescaped(undo));
    const after = await stateOf(console);
    expect(after.aliases).toEqual(before.aliases);
    expect(after.rows).toEqual(withEmptyRows(before.rows, after.rows));
  });
});

describe("a version that was found to be bad", () => {
  const bad = { version: "2", alias: "beta", why: "9 of 10 failed", at: "2026-11-20T10:20:00.000Z" };
  const found = `version 2 was found to be bad behind beta at ${bad.at} (9 of 10 failed)`;

  async function aConsoleWithBadVersion() {
    const console = await aConsoleWithVersions();
    await console.change({ kind: "change component", component: RC, change: { set: "bad version", bad } });
    const open = async (form: string) => unescaped((await console.onCall.get(`/console/do/${form}`)).text);
    return { ...console, open };
  }

  it.each(["alias-set?", "rollback?edit=1&alias=beta&", "undo?edit=1&alias=beta&", "release-start?"])(
    "is marked among the versions that there are to choose from, and told of below them: %s",
    async (form) => {
      const { open } = await aConsoleWithBadVersion();
      const page = await open(`${form}component=${RC}`);
      expect(page).toMatch(/<option value="3">3<\/option>\s*<option value="2">2 \(bad\)<\/option>/);
      expect(page).toContain(found);
      expect(page).toMatch(/<select id="field-(version|to)"[^>]* aria-describedby="[^"]*field-\1-notes"/);
    },
  );

  it.each(["promote", "rollback", "alias-set", "undo"])(
    "is marked beside the aliases that point at it: %s",
    async (form) => {
      const { open } = await aConsoleWithBadVersion();
      const page = await open(`${form}?component=${RC}`);
      expect(page).toContain('<option value="stable">stable (version 1)</option>');
      expect(page).toContain('<option value="beta">beta (version 2, bad)</option>');
    },
  );

  it("is told of where it might be promoted from an alias", async () => {
    const { open } = await aConsoleWithBadVersion();
    const page = await open(`promote?component=${RC}`);
    expect(page).toContain(`<div class="notes" id="field-source-notes"><p class="warn"><bdi>beta: ${found}`);
    expect(page).not.toContain("field-alias-notes");
  });

  it("is no secret where the form shows what it would do, whether or not it may be done without force", async () => {
    const { open, carryOut } = await aConsoleWithBadVersion();
    for (const form of [
      `promote?component=${RC}&source=beta&alias=stable`,
      `alias-set?component=${RC}&alias=stable&version=2`,
    ]) {
      const page = await open(form);
      expect(page).toContain(found);
      expect(page).toContain('name="force"');
    }
    await carryOut(`/console/do/alias-set?component=${RC}&alias=beta&version=3`);
    for (const form of ["rollback", "undo"]) {
      const page = await open(`${form}?component=${RC}&alias=beta`);
      expect(page).toContain(`Warning: <bdi>${found}`);
      expect(page).not.toContain('name="force"');
    }
  });

  it("isn't released, and the form that says so marks it", async () => {
    const { open } = await aConsoleWithBadVersion();
    const page = await open(`release-start?component=${RC}&version=2&through=5%25&every=10m&guard=undo`);
    expect(page).toContain(`Version 2 was found to be bad at ${bad.at}: 9 of 10 failed.`);
    expect(page).toContain('<option value="2" selected>2 (bad)</option>');
  });

  it("is typed where the component isn't known yet", async () => {
    const { open } = await aConsoleWithBadVersion();
    expect(await open("release-start")).toMatch(/<input id="field-version" name="version" value=""/);
  });
});

/** A row that was made for a pin stays when the pin goes, empty. */
function withEmptyRows<K, V>(before: ReadonlyMap<K, V>, after: ReadonlyMap<K, V>): Map<K, V> {
  const empty = [...after].filter(([key]) => !before.has(key));
  return new Map([...before, ...empty]);
}

describe("a rollout", () => {
  it("takes those whom its form has shown", async () => {
    const console = await aConsoleWithVersions();
    for (let index = 0; index < 40; index++) {
      await console.change({ kind: "set plan", customer: `customer-${index}`, plan: "paid" });
    }
    const address = `/console/do/rollout-set?component=${RC}&to=beta&share=50%25&by=customer`;
    const [, shown] =
      /(\d+) subjects? of the directory would go elsewhere/.exec((await console.onCall.get(address)).text) ?? [];
    await console.carryOut(address);
    const { text } = await console.onCall.get(`/console/do/rollout-remove?component=${RC}`);
    expect(text).toContain(`${shown} subjects of the directory would go elsewhere`);
  });
});

describe("a freeze", () => {
  it("is told of where it is ended, and by whom it was made", async () => {
    const console = await aConsoleWithVersions();
    await console.carryOut("/console/do/freeze", "incident 42");
    const { text } = await console.onCall.get("/console/do/unfreeze");
    expect(text).toContain("frozen by a-on-call since 2026-11-20T10:30:00.000Z: incident 42");
  });
});

describe("an action's command", () => {
  const wordOf = fc.oneof(
    fc.string({ minLength: 1 }),
    fc.constantFrom("--force", "--reason", "-", "--to", "a b", "'", '"', "\n", "--", "\u202e", "%", "&x=1"),
  );

  it("and its form are the same thing in two notations, whatever is filled in", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...actions.values()),
        fc.infiniteStream(wordOf),
        fc.infiniteStream(fc.boolean()),
        (action, words, chances) => {
          const given = new URLSearchParams();
          for (const { name, kind, isArgument } of action.fields) {
            const value = words.next().value;
            // A word with dashes in an argument's place would be an option.
            if (isArgument) given.append(name, value.replace(/^-+/, "x"));
            else if (chances.next().value) given.append(name, kind === "flag" ? "yes" : value);
          }
          const typed = wordsOf(action, given);
          const form = formOf([...typed, "--reason", "because"], actions.values());
          expect(form?.action).toBe(action);
          given.append("reason", "because");
          expect(new Map(form?.given)).toEqual(new Map(given));
        },
      ),
    );
  });

  it("has a place for the reason as long as nobody has said it", () => {
    const action = actions.get("rollback");
    const given = new URLSearchParams({ component: RC, alias: "stable" });
    expect(action && commandOf(action, given, "")).toBe(`turnout rollback ${RC} stable --reason TEXT`);
    expect(action && commandOf(action, given, "it's bad", true)).toBe(
      `turnout rollback ${RC} stable --reason 'it'\\''s bad' --force`,
    );
  });
});

/** An action's words before they are put into a line. */
function wordsOf({ command, fields }: Parameters<typeof commandOf>[0], given: URLSearchParams): string[] {
  const unnamed = fields.filter(({ isArgument }) => isArgument).flatMap(({ name }) => given.getAll(name));
  const named = fields
    .filter(({ isArgument }) => !isArgument)
    .flatMap(({ name, kind }) =>
      given.getAll(name).flatMap((value) => (kind === "flag" ? [`--${name}`] : [`--${name}`, value])),
    );
  return [...command, ...unnamed, ...named];
}
