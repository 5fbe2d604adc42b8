import type { Remedy } from "./remedy.ts";

/** What a caller can do about an error; the CLI turns it into its exit code. */
export type ErrorKind = "failed" | "usage" | "not found" | "not allowed" | "conflict" | "needs confirmation";

/**
 * An error that a person reads: the message says what was wrong and where, the remedies what to do, each for itself.
 * They are values, because how an operation is asked for depends on where it is read.
 */
export class TurnoutError extends Error {
  override readonly name: string = "TurnoutError";
  readonly kind: ErrorKind;
  readonly remedies: readonly Remedy[];

  constructor(
    kind: ErrorKind,
    message: string,
    { remedies = [], ...options }: ErrorOptions & { remedies?: readonly Remedy[] } = {},
  ) {
    super(message, options);
    this.kind = kind;
    this.remedies = remedies;
  }
}

/** Thrown when a component is named that the routing table has no row for. */
export class ComponentNotFound extends TurnoutError {
  override readonly name = "ComponentNotFound";
  readonly component: string;
  readonly known: readonly string[];

  constructor(component: string, known: readonly string[]) {
    const there = known.length === 0 ? "There are no components yet." : `There are: ${known.join(", ")}.`;
    const remedies = [{ operation: "apply component" }] as const;
    super("not found", `No component '${component}'. ${there}`, { remedies });
    this.component = component;
    this.known = known;
  }
}

/** Thrown when it matters what stands in a component's row, and that can't be read. */
export class ComponentUnreadable extends TurnoutError {
  override readonly name = "ComponentUnreadable";
  readonly component: string;
  readonly problem: string;

  constructor(component: string, problem: string) {
    super("failed", `The row of component '${component}' can't be read: ${problem}. Its events wait.`, {
      remedies: [
        { operation: "apply component", component },
        { operation: "revert change" },
        { operation: "remove component", component },
      ],
    });
    this.component = component;
    this.problem = problem;
  }
}

/** Thrown when a cohort is named that nobody has created. */
export class CohortNotFound extends TurnoutError {
  override readonly name = "CohortNotFound";
  readonly cohort: string;
  readonly known: readonly string[];

  constructor(cohort: string, known: readonly string[]) {
    const there = known.length === 0 ? "There are no cohorts yet." : `There are: ${known.join(", ")}.`;
    super("not found", `No cohort '${cohort}'. ${there}`, { remedies: [{ operation: "create cohort" }] });
    this.cohort = cohort;
    this.known = known;
  }
}

/** Thrown when an alias is named that the component doesn't have. */
export class AliasNotFound extends TurnoutError {
  override readonly name = "AliasNotFound";
  readonly alias: string;
  readonly component: string;
  readonly known: readonly string[];

  constructor(alias: string, component: string, known: readonly string[]) {
    super("not found", `No alias '${alias}' on ${component}; it has ${known.join(", ") || "none"}.`, {
      remedies: [{ operation: "add alias", component, alias }, "name one of these"],
    });
    this.alias = alias;
    this.component = component;
    this.known = known;
  }
}

/** Thrown when a rule would point at an alias that is kept only for reading old decisions. */
export class AliasRetired extends TurnoutError {
  override readonly name = "AliasRetired";
  readonly alias: string;
  readonly component: string;

  constructor(alias: string, component: string) {
    super("not allowed", `Alias '${alias}' of ${component} is retired.`, {
      remedies: ["name an alias that is in use"],
    });
    this.alias = alias;
    this.component = component;
  }
}

type Winner = { command: string; who: string; why: string };

/** Thrown when another routing change was committed first. Nothing of the losing change was applied. */
export class RevisionConflict extends TurnoutError {
  override readonly name = "RevisionConflict";
  readonly expected: number;
  readonly head: number;
  readonly winner: Winner | undefined;

  /** @param winner what was committed first; undefined where a revision was expected that isn't there yet */
  constructor(expected: number, head: number, winner: Winner | undefined) {
    const told =
      winner === undefined ? "there is no such revision yet" : `'${winner.command}' by ${winner.who} (${winner.why})`;
    super("conflict", `The routing table is at revision ${head}, not ${expected}: ${told}. Nothing was changed.`, {
      remedies: [{ operation: "explain routing" }],
    });
    this.expected = expected;
    this.head = head;
    this.winner = winner;
  }
}

/** What stands in the way of a change, in a clause, and what to do but go past it. */
export type Objection = { says: string; remedy?: Remedy };

/** Thrown when a freeze or a guardrail stands against a change. Nothing was changed. */
export class GuardrailHit extends TurnoutError {
  override readonly name = "GuardrailHit";
  readonly objections: readonly Objection[];

  /** @param remedies for whoever can't go past it by force */
  constructor(objections: readonly Objection[], remedies: readonly Remedy[] = [{ operation: "force change" }]) {
    const said = objections.map(({ says }) => says).join("; ");
    super("not allowed", `Nothing was changed: ${said}.`, { remedies });
    this.objections = objections;
  }
}
