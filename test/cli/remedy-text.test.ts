import { afterEach, describe, expect, it } from "vitest";
import {
  AliasNotFound,
  ComponentNotFound,
  ComponentUnreadable,
  GuardrailHit,
  TurnoutError,
} from "../../shared/domain/errors.ts";
import { chooseEnvironment } from "../../shared/installation/wording/environment-name.ts";
import { errorText, objectionTexts, remediesText } from "../../shared/installation/wording/remedy-text.ts";

describe("a remedy on the command line", () => {
  afterEach(() => chooseEnvironment(undefined));

  it("is a sentence with the command, after what was wrong", () => {
    expect(errorText(new ComponentNotFound("mailr", ["mailer"]))).toBe(
      "No component 'mailr'. There are: mailer. Register one with 'turnout component apply FILE'.",
    );
  });

  it("is one of several, each with its command", () => {
    expect(errorText(new ComponentUnreadable("mailer", "it is no JSON"))).toBe(
      "The row of component 'mailer' can't be read: it is no JSON. Its events wait. Apply its file again " +
        "('turnout component apply FILE'), take back the change that wrote it ('turnout revert'), or remove it " +
        "('turnout component remove mailer').",
    );
  });

  it("is the command that adds an alias where there is none of that name", () => {
    expect(errorText(new AliasNotFound("beta2", "mailer", ["stable", "beta"]))).toBe(
      "No alias 'beta2' on mailer; it has stable, beta. " +
        "Add it with 'turnout alias add mailer beta2 --reason TEXT', or name one of these.",
    );
  });

  it("is for the environment that the command is for", () => {
    chooseEnvironment("prod");
    const remedies = [{ operation: "publish version", component: "mailer", alias: "beta" }] as const;
    expect(remediesText(remedies)).toBe("Publish one: turnout --env prod publish-version mailer --alias beta");
  });

  it("is quoted where its arguments need it", () => {
    const remedies = [{ operation: "publish version", component: "it's", alias: "a b" }] as const;
    expect(remediesText(remedies)).toBe("Publish one: turnout publish-version 'it'\\''s' FOLDER --alias 'a b'");
  });

  it("is nothing where the message says all of it", () => {
    expect(errorText(new TurnoutError("failed", "It broke. Try again."))).toBe("It broke. Try again.");
  });

  it("stands with the objection that it answers, and that of force after all of them", () => {
    const objections = [
      { says: "a pin to beta needs an end", remedy: { operation: "end pin" } },
      { says: "changes are frozen" },
    ] as const;
    expect(objectionTexts({ objections })).toEqual([
      "a pin to beta needs an end: add --for or --until",
      "changes are frozen",
    ]);
    expect(errorText(new GuardrailHit(objections))).toBe(
      "Nothing was changed: a pin to beta needs an end: add --for or --until; changes are frozen. " +
        "With --force it is done all the same, and logged as forced. See 'turnout guardrails show'.",
    );
  });
});
