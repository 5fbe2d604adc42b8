import * as z from "zod/mini";
import { compileEventPattern, type EventPattern } from "../events/event-pattern.ts";
import { RetryPolicy } from "../retry.ts";
import { Instant, nameSchema, own, recordOf } from "../text/schema.ts";
import { AliasName } from "./alias.ts";
import { CohortRoute } from "./cohort.ts";
import { BadVersion, Guard, MAX_BAD_VERSIONS } from "./guard-rule.ts";
import { Release } from "./release.ts";
import { Rollout } from "./rollout.ts";
import { TargetAddress } from "./target-address.ts";

/** `<application>-<role>`, 1 to 64 lower-case letters, digits and hyphens. */
export const ComponentName = nameSchema("a component's name", 64);

/** Longest time a component may take: the router's own 900 s less what it needs around the send. */
const MAX_COMPONENT_TIMEOUT_MS = 840_000;

export const AliasEntry = z.strictObject({
  target: z._default(TargetAddress, { kind: "worker" }),
  /** A retired alias takes no new rules; what still names it falls to the fallback alias. */
  retired: z.optional(z.boolean()),
});

/**
 * How a version is called. `sync`: the router waits for the answer. `async`: the version takes the event and answers
 * later, through its destinations (embedded: the outcomes queue), which hand back the event with the token that it came
 * with; the router doesn't wait. On AWS each alias of a function needs destinations, no retries of its own and this
 * `maxEventAgeMs` in its event invoke configuration. Of executions and tasks EventBridge tells how they have ended; an
 * execution that is called `sync` is done once it is started.
 */
export const Invocation = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("sync") }),
  z.strictObject({
    kind: z.literal("async"),
    /**
     * How long an event may wait at its target before it begins: 1 minute to 6 hours (Lambda), default 1 hour. That and
     * `timeoutMs` are all that an attempt has until its outcome must have been told.
     */
    maxEventAgeMs: z._default(z.int().check(z.minimum(60_000), z.maximum(21_600_000)), 3_600_000),
  }),
]);
export type Invocation = z.infer<typeof Invocation>;

/** How the embedded runtime runs a version of the component. On AWS these are settings of the function itself. */
export const WorkerSettings = z.strictObject({
  /** Worker threads per version, or processes of one in another language, each running one event at a time. */
  concurrency: z._default(z.int().check(z.minimum(1), z.maximum(256)), 4),
  /**
   * Memory of one worker thread, in MiB: heap and Buffers. Read every 50 ms: a thread that is found 256 MiB above it is
   * ended, or 128 MiB above it where its host has more than all its threads may have. The slack is there because V8 ends
   * the whole host, not the thread, when one allocation overshoots its own hard limit. A process of a version in another
   * language has no such slack: it is ended where it and what it started have more, native memory included.
   */
  memoryMb: z._default(z.int().check(z.minimum(16), z.maximum(10_240)), 128),
  /** Environment variables the handler sees; it sees no others. */
  environment: z._default(recordOf(z.string(), z.string()), {}),
});
export type WorkerSettings = z.infer<typeof WorkerSettings>;

/** Where everything falls to unless an operator says otherwise. */
export const DEFAULT_FALLBACK = "stable";

/** Sends everything to the fallback alias, whatever the rules say; with who said so, why and when. */
export const AllStable = z.object({ who: z.string(), why: z.string(), at: Instant });
export type AllStable = z.infer<typeof AllStable>;

/** Kinds of targets that can be called in one way alone. */
const ONLY_INVOCATION: {
  [kind in TargetAddress["kind"]]?: { kind: Invocation["kind"]; because: string };
} = {
  http: { kind: "sync", because: "which is answered at once" },
  sqs: { kind: "sync", because: "where an event is done once the queue has it" },
  ecs: { kind: "async", because: "whose tasks say later how they have ended" },
};

/** A downstream unit that exists in several versions, with everything that routing needs to know of it. */
export const Component = z
  .strictObject({
    name: ComponentName,
    /** Which events it gets, in EventBridge's event pattern language. Compiling it, below, checks the rest. */
    pattern: z.custom<EventPattern>((pattern) => typeof pattern === "object" && pattern !== null, {
      error: "expected an event pattern, which is an object",
      abort: true,
    }),
    aliases: recordOf(AliasName, AliasEntry),
    defaultAlias: z._default(AliasName, "stable"),
    /** Where an event goes whose rule names an alias that is unknown or retired. */
    fallbackAlias: z._default(AliasName, DEFAULT_FALLBACK),
    /** While set, overrides every rule of this component. */
    allStable: z.optional(AllStable),
    cohortRoutes: z._default(z.array(CohortRoute), []),
    rollout: z.optional(Rollout),
    /** The one that is under way, or that was the last. */
    release: z.optional(Release),
    /** The aliases that are guarded; left out where none is. */
    guards: z.optional(recordOf(AliasName, Guard)),
    /** The newest first; left out where there are none. */
    badVersions: z.optional(z.array(BadVersion).check(z.maxLength(MAX_BAD_VERSIONS))),
    /** How long one attempt may take. */
    timeoutMs: z._default(z.int().check(z.minimum(1), z.maximum(MAX_COMPONENT_TIMEOUT_MS)), 30_000),
    retry: z._default(RetryPolicy, RetryPolicy.parse({})),
    invocation: z._default(Invocation, { kind: "sync" }),
    worker: z._default(WorkerSettings, WorkerSettings.parse({})),
  })
  .check((context) => {
    const { pattern, aliases, defaultAlias, fallbackAlias, cohortRoutes, rollout, guards = {} } = context.value;
    const compiled = compileEventPattern(pattern);
    if (!compiled.ok) context.issues.push(customIssue(pattern, ["pattern"], compiled.problem));
    const { invocation } = context.value;
    for (const [alias, { target }] of Object.entries(aliases)) {
      const only = ONLY_INVOCATION[target.kind];
      if (only === undefined || only.kind === invocation.kind) continue;
      const told = `alias '${alias}' is reached by ${target.kind}, ${only.because}: the invocation has to be ${only.kind}`;
      context.issues.push(customIssue(invocation, ["invocation"], told));
    }
    for (const [field, alias] of [
      ["defaultAlias", defaultAlias],
      ["fallbackAlias", fallbackAlias],
    ] as const) {
      if (own(aliases, alias)?.target.kind !== "laptop") continue;
      context.issues.push(
        customIssue(alias, [field], `alias '${alias}' is somebody's laptop, which may go at any time`),
      );
    }
    const named: [string[], string | undefined][] = [
      [["defaultAlias"], defaultAlias],
      [["fallbackAlias"], fallbackAlias],
      [["rollout", "alias"], rollout?.alias],
      ...Object.keys(guards).map((alias): [string[], string] => [["guards"], alias]),
      ...cohortRoutes.map((route, index): [string[], string] => [
        ["cohortRoutes", String(index), "alias"],
        route.alias,
      ]),
    ];
    for (const [path, alias] of named) {
      if (alias === undefined) continue;
      const entry = own(aliases, alias);
      if (entry === undefined) {
        const known = Object.keys(aliases).join(", ") || "none";
        context.issues.push(customIssue(alias, path, `'${alias}' is not one of the component's aliases (${known})`));
      } else if (entry.retired) {
        context.issues.push(customIssue(alias, path, `alias '${alias}' is retired`));
      }
    }
  });
export type Component = z.infer<typeof Component>;

/** Stands in for a component that has been removed, while deliveries of it are still open. It matches no event. */
export function removedComponent(name: string): Component {
  return Component.parse({ name, pattern: { source: [""] }, aliases: { stable: {} } });
}

/** The alias's entry; undefined when the component doesn't have it. */
export function aliasOf(component: Component, alias: string): z.infer<typeof AliasEntry> | undefined {
  return own(component.aliases, alias);
}

function customIssue(input: unknown, path: string[], message: string) {
  return { code: "custom" as const, input, path, message };
}
