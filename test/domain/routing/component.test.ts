import { describe, expect, it } from "vitest";
import { compileEventPattern } from "../../../shared/domain/events/event-pattern.ts";
import { aliasOf, Component } from "../../../shared/domain/routing/component.ts";
import { read } from "../../../shared/domain/text/schema.ts";
import { aComponent, anEvent } from "../../support/builders.ts";

const smallest = { name: "mailer", pattern: { source: ["shop"] }, aliases: { stable: {} } };

const refused = (problem: string) => ({ ok: false, problem: expect.stringContaining(problem) });

describe("a component", () => {
  it("needs a name, a pattern and an alias, and has defaults for the rest", () => {
    expect(read(Component, smallest)).toEqual({
      ok: true,
      value: {
        name: "mailer",
        pattern: { source: ["shop"] },
        aliases: { stable: { target: { kind: "worker" } } },
        defaultAlias: "stable",
        fallbackAlias: "stable",
        cohortRoutes: [],
        timeoutMs: 30_000,
        retry: {
          maxAttempts: 5,
          baseDelayMs: 500,
          maxDelayMs: 30_000,
          maxAgeMs: 86_400_000,
          nonRetryableErrors: [],
        },
        invocation: { kind: "sync" },
        worker: { concurrency: 4, memoryMb: 128, environment: {} },
      },
    });
  });

  it("is the same after it was written to the routing table and read again", () => {
    const component = Component.parse({
      ...smallest,
      aliases: { stable: {}, beta: {}, old: { retired: true } },
      cohortRoutes: [{ cohort: "staff", alias: "beta", until: "2026-11-20T10:00:00.000Z" }],
      rollout: { alias: "beta", basisPoints: 500, by: "customer", salt: "s" },
      timeoutMs: 840_000,
    });
    expect(Component.parse(JSON.parse(JSON.stringify(component)))).toStrictEqual(component);
  });

  it.each([
    [{ name: "Mailer" }, "name: a component's name has 1 to 64 lower-case letters, digits and inner hyphens"],
    [{ name: "a#b" }, "name: "],
    [{ name: "x".repeat(65) }, "name: "],
    [{ pattern: undefined }, "pattern: expected an event pattern"],
    [{ pattern: null }, "pattern: expected an event pattern"],
    [{ pattern: [] }, "pattern: "],
    [{ pattern: {} }, "pattern: "],
    [{ pattern: { source: "shop" } }, "pattern: source must be an array"],
    [{ aliases: { Beta: {}, stable: {} } }, "aliases.Beta: an alias has 1 to 128 lower-case letters"],
    [{ aliases: { stable: { target: { kind: "pigeon" } } } }, "aliases.stable.target.kind: "],
    [{ aliases: { stable: { weight: 1 } } }, "weight"],
    [{ timeoutMs: 0 }, "timeoutMs: "],
    [{ timeoutMs: 840_001 }, "timeoutMs: "],
    [{ worker: { concurrency: 0 } }, "worker.concurrency: "],
    [{ worker: { concurrency: 257 } }, "worker.concurrency: "],
    [{ worker: { memoryMb: 15 } }, "worker.memoryMb: "],
    [{ worker: { memoryMb: 10_241 } }, "worker.memoryMb: "],
    [{ worker: { environment: { PORT: 1 } } }, "worker.environment.PORT: "],
    [{ retry: { maxAttempts: 0 } }, "retry.maxAttempts: "],
    [{ cohortRoute: [] }, "cohortRoute"],
    [{ cohortRoutes: [{ cohort: "staff", alias: "stable", untill: "tomorrow" }] }, "untill"],
  ])("refuses %j and says where", (wrong, problem) => {
    expect(read(Component, { ...smallest, ...wrong })).toEqual(refused(problem));
  });

  it.each([
    { timeoutMs: 1 },
    { timeoutMs: 840_000 },
    { worker: { concurrency: 1, memoryMb: 16 } },
    { worker: { concurrency: 256, memoryMb: 10_240 } },
  ])("may have %j", (extreme) => {
    expect(read(Component, { ...smallest, ...extreme })).toMatchObject({ ok: true, value: extreme });
  });

  it("has what a version did run again after a guard's rollback only where that is said with `true`", () => {
    const guarded = (all: unknown) => {
      const guard = { mode: "undo", who: "ada", why: "x", at: "2026-11-20T10:00:00.000Z", all };
      return read(Component, { ...smallest, guards: { stable: guard } });
    };
    expect(guarded(true)).toMatchObject({ ok: true, value: { guards: { stable: { all: true } } } });
    expect(guarded(false)).toEqual(refused("guards.stable.all: "));
  });

  const rollout = { alias: "gone", basisPoints: 500, by: "customer", salt: "s" };

  it.each([
    [{ defaultAlias: "gone" }, "defaultAlias: 'gone' is not one of the component's aliases (stable, old)"],
    [{ fallbackAlias: "gone" }, "fallbackAlias: 'gone' is not one"],
    [{ rollout }, "rollout.alias: 'gone' is not one"],
    [{ cohortRoutes: [{ cohort: "staff", alias: "gone" }] }, "cohortRoutes.0.alias: 'gone' is not one"],
    [{ defaultAlias: "constructor" }, "defaultAlias: 'constructor' is not one"],
    [{ defaultAlias: "old" }, "defaultAlias: alias 'old' is retired"],
    [{ fallbackAlias: "old" }, "fallbackAlias: alias 'old' is retired"],
    [{ rollout: { ...rollout, alias: "old" } }, "rollout.alias: alias 'old' is retired"],
    [{ aliases: {} }, "defaultAlias: 'stable' is not one of the component's aliases (none)"],
  ])("refuses %j, which names an alias that it can't send to", (wrong, problem) => {
    const aliases = { stable: {}, old: { retired: true } };
    expect(read(Component, { ...smallest, aliases, ...wrong })).toEqual(refused(problem));
  });

  const http = (about: object) => ({ ...smallest, aliases: { stable: { target: { kind: "http", ...about } } } });
  const url = "https://preview.example.com/events?site=1";
  const arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:turnout/preview-AbCdEf";

  it.each([
    { url },
    { url, format: "binary", secrets: ["TURNOUT_SECRET_PREVIEW", arn] },
    { url: "http://localhost:3000", private: true },
  ])("may be reached at the URL of %j", (about) => {
    const component = read(Component, http(about));
    if (!component.ok) throw new Error(component.problem);
    const { target } = aliasOf(component.value, "stable") ?? {};
    expect(target).toEqual({ kind: "http", format: "published", ...about });
    expect(Component.parse(JSON.parse(JSON.stringify(component.value)))).toEqual(component.value);
  });

  it.each([
    [{}, "aliases.stable.target.url: it is missing"],
    [{ url: "preview.example.com" }, "aliases.stable.target.url: expected a URL such as https://"],
    [{ url: "ftp://preview.example.com" }, "expected a URL such as https://"],
    [{ url: "https://me:secret@example.com" }, "without user, password and fragment"],
    [{ url: `${url}#part` }, "without user, password and fragment"],
    [{ url: "http://example.com" }, "without TLS only addresses of private networks are reached"],
    [{ url, format: "avro" }, "expected 'published', 'binary' or 'structured'"],
    [{ url, secrets: [] }, "expected at least 1 elements"],
    [{ url, secrets: ["whsec_aGFsbG8="] }, "and not the secret itself"],
    [{ url, secrets: ["PATH"] }, "a variable that begins with TURNOUT_SECRET_"],
    [{ url, colour: "red" }, "there is no field 'colour'"],
  ])("isn't reached at the URL of %j", (about, problem) => {
    expect(read(Component, http(about))).toEqual(refused(problem));
  });

  it("isn't asynchronous where it is reached by http", () => {
    const component = { ...http({ url }), invocation: { kind: "async" } };
    expect(read(Component, component)).toEqual(refused("invocation: alias 'stable' is reached by http"));
  });

  const reachedBy = (target: object, invocation = {}) => ({
    ...smallest,
    ...invocation,
    aliases: { stable: { target } },
  });
  const queue = { kind: "sqs", queueArn: "arn:aws:sqs:eu-west-1:123456789012:orders.fifo" };
  const states = "arn:aws:states:eu-west-1:123456789012:stateMachine:fulfil";
  const task = {
    kind: "ecs",
    clusterArn: "arn:aws:ecs:eu-west-1:123456789012:cluster/builds",
    taskDefinition: "builder:7",
    container: "build",
  };
  const network = { subnets: ["subnet-1"], securityGroups: ["sg-1"], publicIp: true };
  const later = { invocation: { kind: "async", maxEventAgeMs: 60_000 } };

  it.each([
    [queue, {}],
    [{ kind: "step-functions", stateMachineArn: `${states}:7` }, {}],
    [{ kind: "step-functions", stateMachineArn: `${states}:live` }, later],
    [task, later],
    [{ ...task, launchType: "FARGATE", network }, later],
  ])("may be reached by %j, %j", (target, invocation) => {
    const component = read(Component, reachedBy(target, invocation));
    if (!component.ok) throw new Error(component.problem);
    expect(aliasOf(component.value, "stable")?.target).toEqual(target);
    expect(Component.parse(JSON.parse(JSON.stringify(component.value)))).toEqual(component.value);
  });

  it.each([
    [{ ...queue, queueArn: "https://sqs.eu-west-1.amazonaws.com/123456789012/orders" }, {}, "expected a queue's ARN"],
    [{ ...queue, queueArn: `${queue.queueArn.slice(0, -5)}${"x".repeat(80)}` }, {}, "expected a queue's ARN"],
    [{ kind: "step-functions", stateMachineArn: states }, {}, "expected the ARN of a state machine's version or alias"],
    [{ ...task, taskDefinition: "builder" }, later, "expected a task definition's family and revision"],
    [{ ...task, clusterArn: "builds" }, later, "aliases.stable.target.clusterArn: expected a cluster's ARN"],
    [{ ...task, container: undefined }, later, "aliases.stable.target.container: it is missing"],
    [{ ...task, launchType: "fargate" }, later, "expected 'FARGATE' or 'EC2'"],
    [{ ...task, network: { subnets: [] } }, later, "expected at least 1 elements"],
    [queue, later, "invocation: alias 'stable' is reached by sqs, where an event is done once the queue has it"],
    [
      task,
      {},
      "alias 'stable' is reached by ecs, whose tasks say later how they have ended: the invocation has to be async",
    ],
  ])("isn't reached by %j, %j", (target, invocation, problem) => {
    expect(read(Component, reachedBy(target, invocation))).toEqual(refused(problem));
  });

  it("keeps every field of its pattern, so that none is silently wider than written", () => {
    const pattern: unknown = JSON.parse('{"source":["shop"],"__proto__":{"a":[1]},"constructor":["x"]}');
    const component = read(Component, { ...smallest, pattern });
    if (!component.ok) throw new Error(component.problem);
    expect(JSON.stringify(component.value.pattern)).toBe(JSON.stringify(pattern));
  });

  it("named constructor is a component like others", () => {
    expect(read(Component, { ...smallest, name: "constructor" }).ok).toBe(true);
  });
});

describe("aliasOf", () => {
  it("finds an alias by its own name only", () => {
    const component = aComponent({ aliases: ["stable"] });
    expect(aliasOf(component, "stable")).toEqual({ target: { kind: "worker" } });
    for (const alias of ["beta", "constructor", "toString", "__proto__", ""]) {
      expect(aliasOf(component, alias)).toBeUndefined();
    }
  });
});

describe("the builders", () => {
  it("build a component as the schema would, taking every event", () => {
    const component = aComponent();
    expect(Component.parse(component)).toStrictEqual(component);
    const compiled = compileEventPattern(component.pattern);
    expect(compiled.ok && compiled.matches(anEvent({ source: "anything" }))).toBe(true);
  });
});
