/**
 * One thing to do about something: an operation of Turnout's with what it takes, or, where it is none, words without a
 * subject and a full stop, which mean the same wherever they are read. Whoever tells a person of an operation words it
 * by how it is asked for there: `scripts/commands/wording/remedy-text.ts` names the command.
 */
export type Remedy = string | Operation;

export type Operation =
  /** Without a component it is one that isn't there yet. */
  | { operation: "apply component"; component?: string }
  | { operation: "remove component"; component: string }
  | { operation: "create cohort" }
  /** The change that brought what is wrong; its number, where it is known. */
  | { operation: "revert change"; revision?: number }
  | { operation: "list changes" }
  /** The same change once more, past a freeze and the guardrails. */
  | { operation: "force change" }
  /** Who has changed the routing meanwhile, before the same is asked for once more. */
  | { operation: "explain routing" }
  /** The same of a component's aliases. */
  | { operation: "list aliases"; component: string }
  /** Where it belongs, once it is known who has moved it behind Turnout's back. */
  | { operation: "move drifted alias"; component: string; alias: string }
  /** What is dead or rejected since then is listed, and what is dead or was never delivered is, once the cause is gone. */
  | { operation: "settle unresolved"; from: Date; canBeFinished: boolean }
  /** Whose they are, and what they have in common. */
  | { operation: "tell failures apart"; component: string }
  /** The guardrails, which can't be read, are what they were at first. */
  | { operation: "unfreeze" }
  /** The end that a pin has to have. */
  | { operation: "end pin" }
  /** That the component doesn't have yet. */
  | { operation: "add alias"; component: string; alias: string }
  /** To the version, or to one that is to be named. */
  | { operation: "set alias"; component: string; alias: string; version?: string }
  /** Without the replay that belongs to it. */
  | { operation: "roll back alone"; component: string; alias: string; version: string }
  /** What is asked for once more, with the version to go to, or the time that it begins at. */
  | { operation: "name version" | "name beginning" }
  | { operation: "publish version"; component: string; alias: string }
  /** Another function of the version's code, to be called with its events. */
  | { operation: "name handler" }
  /** The replay that was refused, by another name. */
  | { operation: "rename replay" }
  /** What it has delivered. */
  | { operation: "list replayed"; replay: string }
  /** What is asked for once more, with the events that no component listens to. */
  | { operation: "select unmatched" }
  /** The same, with those that couldn't be read when they arrived. */
  | { operation: "select rejected" }
  | { operation: "show event" }
  | { operation: "examine installation" }
  /** Over what there is of the state. */
  | { operation: "restore backup" }
  /** The routing alone, by the Turnout that wrote it, to another state. */
  | { operation: "carry routing over" }
  /** The server, started as if the state had never been in use at another time. */
  | { operation: "trust clock" }
  | { operation: "start release" }
  | { operation: "abort release"; release: string }
  /** AWS's own, as those below: until Lambda has done what it was asked for before. */
  | { operation: "wait for function"; name: string }
  | { operation: "look at function"; name: string; version: string }
  /** Once it is known who has an alias point at several versions. */
  | { operation: "end sharing out" };
