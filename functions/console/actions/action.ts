import type { Revision } from "../../../shared/domain/routing/routing-change.ts";
import type { Installation } from "../../../shared/installation/installation.ts";
import type { CommandWords } from "../../../shared/installation/wording/shell-quote.ts";
import type { Right } from "../access/role.ts";
import type { Params } from "../page/address.ts";
import type { Html } from "../screen.ts";

/** What a person fills in: an option of the command of the same name, or an argument that stands without its name. */
export type ActionField = {
  /** The option's name without its dashes. */
  name: string;
  label: string;
  hint?: string;
  required?: true;
  /** It stands in the command without its name, in the order of the fields. */
  isArgument?: true;
} & ({ kind: "text" } | { kind: "choice"; choices: Choices } | { kind: "flag" });

/** One of what there is to choose from. */
export type Choice = {
  value: string;
  /** How it is shown, where that says more. */
  text?: string;
  /** What is to be known of it before it is chosen. */
  note?: string;
};

/** What there is to choose from: always the same, or what the installation has, such as aliases of a component. */
export type Choices =
  | readonly string[]
  | ((installation: Installation, given: URLSearchParams) => Promise<readonly (string | Choice)[]>);

/** What an action is planned from. */
export type Asked = {
  installation: Installation;
  /** What was filled in, by the fields' names; trimmed, and without those that were left empty. */
  given: URLSearchParams;
  who: string;
  /** Empty as long as nobody has said why. */
  reason: string;
  now: Date;
  newId: () => string;
};

/** How it is to be done, once a person has agreed. */
export type Agreed = { reason: string; command: string; force: boolean; expectedRevision: Revision };

/** What an action would do, as the command shows it, and a way to do just that. */
export type Planned = {
  /** In the imperative, e.g. `pin customer acme of release-coordinator to beta`. */
  what: string;
  /** The routing that it was planned on: any change that comes between is shown first. */
  revision: Revision;
  /** What it does, and to whom, a line each. */
  lines: readonly string[];
  /** The rows as they are stored, before and after, a line each. */
  rows?: readonly string[];
  /** The same drawn, where that says more. */
  picture?: Html;
  /** What is rather a slip than meant. */
  warnings?: readonly string[];
  /** What only force goes past. */
  objections?: readonly string[];
  /** Why there is nothing to do. */
  nothing?: string;
  /** @throws RevisionConflict when something came between, GuardrailHit, and what its flow throws */
  carryOut(agreed: Agreed): Promise<Done>;
};

/** What was done, and what takes it back. */
export type Done = {
  /** E.g. `revision 28: pin customer acme of release-coordinator to beta`. */
  what: string;
  /** What else is to be known of it, a line each. */
  lines?: readonly string[];
  undo?: CommandWords;
  /** Where it can be watched. */
  next?: { screen: string; params: Params; text: string };
};

/** Something that a person can do: by a form here, and by the command of the same name. */
export type Action = {
  /** The command's own words, e.g. `rollout set`; in an address `rollout-set`. */
  command: readonly string[];
  title: string;
  /** What it does, in a sentence or two. */
  about: string;
  right: Right;
  fields: readonly ActionField[];
  /** @throws TurnoutError `usage` for what was filled in wrongly, and what its flow throws */
  plan: (asked: Asked) => Promise<Planned>;
};
