/** What a caller can do about an error; the CLI turns it into its exit code. */
export type ErrorKind = "failed" | "usage" | "not found" | "not allowed" | "conflict" | "needs confirmation";

/** An error that a person reads: the message says what was wrong, where, and what to do. */
export class TurnoutError extends Error {
  override readonly name: string = "TurnoutError";
  readonly kind: ErrorKind;

  constructor(kind: ErrorKind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

/** Thrown when a command names a component that the routing table has no row for. */
export class ComponentNotFound extends TurnoutError {
  override readonly name = "ComponentNotFound";

  constructor(component: string, known: readonly string[]) {
    const there = known.length === 0 ? "There are no components yet." : `There are: ${known.join(", ")}.`;
    super("not found", `No component '${component}'. ${there} Register one with 'turnout component apply FILE'.`);
  }
}

/** Thrown when a command needs to know what stands in a component's row, and that can't be read. */
export class ComponentUnreadable extends TurnoutError {
  override readonly name = "ComponentUnreadable";

  constructor(component: string, problem: string) {
    super(
      "failed",
      `The row of component '${component}' can't be read: ${problem}. Its events wait. ` +
        "Apply its file again ('turnout component apply FILE'), take back the change that wrote it ('turnout revert'), " +
        `or remove it ('turnout component remove ${component}').`,
    );
  }
}

/** Thrown when a command names a cohort that nobody has created. */
export class CohortNotFound extends TurnoutError {
  override readonly name = "CohortNotFound";

  constructor(cohort: string, known: readonly string[]) {
    const there = known.length === 0 ? "There are no cohorts yet." : `There are: ${known.join(", ")}.`;
    super("not found", `No cohort '${cohort}'. ${there} Create one with 'turnout cohort create NAME'.`);
  }
}

/** Thrown when a command names an alias that the component doesn't have. */
export class AliasNotFound extends TurnoutError {
  override readonly name = "AliasNotFound";

  constructor(alias: string, component: string, known: readonly string[]) {
    super(
      "not found",
      `No alias '${alias}' on ${component}; it has ${known.join(", ") || "none"}. ` +
        "Add the alias to the component and apply it, or name one of these.",
    );
  }
}

/** Thrown when a rule would point at an alias that is kept only for reading old decisions. */
export class AliasRetired extends TurnoutError {
  override readonly name = "AliasRetired";

  constructor(alias: string, component: string) {
    super("not allowed", `Alias '${alias}' of ${component} is retired. Name an alias that is in use.`);
  }
}

/** Thrown when another routing change was committed first. Nothing of the losing change was applied. */
export class RevisionConflict extends TurnoutError {
  override readonly name = "RevisionConflict";

  constructor(expected: number, head: number, winner: string) {
    super(
      "conflict",
      `The routing table is at revision ${head}, not ${expected}: ${winner}. ` +
        "Nothing was changed. Look at it with 'turnout explain' and run the command again.",
    );
  }
}

/** Thrown when a freeze or a guardrail stands against a change. Nothing was changed. */
export class GuardrailHit extends TurnoutError {
  override readonly name = "GuardrailHit";
  readonly objections: readonly string[];

  /** @param remedy for whoever can't say `--force` */
  constructor(
    objections: readonly string[],
    remedy = "With --force it is done all the same, and logged as forced. See 'turnout guardrails show'.",
  ) {
    super("not allowed", `Nothing was changed: ${objections.join("; ")}. ${remedy}`);
    this.objections = objections;
  }
}
