import { UpdateTimeToLiveCommand } from "@aws-sdk/client-dynamodb";
import { describe, expect, it } from "vitest";
import { sqsEventQueue } from "../../shared/event-queue/sqs-event-queue.ts";
import type { EventStore } from "../../shared/event-store/event-store.ts";
import { withCounter } from "../../shared/flows/deliver/count-deliveries.ts";
import { routeBatch } from "../../shared/flows/deliver/route-batch.ts";
import { routingCache } from "../../shared/flows/routing-cache.ts";
import type { RoutingTable } from "../../shared/routing-table/routing-table.ts";
import { anEvent, bodyOf } from "../support/builders.ts";
import { aCliOnAws, RC } from "../support/cli-on-aws.ts";
import { aCli, jsonLines, undoIn } from "../support/cli-process.ts";
import { refused } from "../support/control-plane-stub.ts";
import { dynamodbClient, withDynamoDB } from "../support/dynamodb-local.ts";
import { deniedAnswer, functionArn, throttledAnswer } from "../support/lambda-control-stub.ts";
import { sqsClient } from "../support/sqs-stub.ts";

const why = ["--reason", "a test", "--yes"];
const pitr = (status: string) => async () => {
  const PointInTimeRecoveryDescription = { PointInTimeRecoveryStatus: status };
  const body = { ContinuousBackupsDescription: { ContinuousBackupsStatus: "ENABLED", PointInTimeRecoveryDescription } };
  return { status: 200, body: JSON.stringify(body) };
};

/** Routes one event as a router does; that version runs it. */
async function routeOne(
  table: RoutingTable,
  events: EventStore,
  executedVersion: string,
  requestId?: string,
): Promise<void> {
  const ports = withCounter({
    routing: routingCache(table),
    events,
    target: async () => ({ outcome: "done" as const, executedVersion, durationMs: 1, ...(requestId && { requestId }) }),
    now: () => new Date(),
    random: () => 0.5,
    newId: () => crypto.randomUUID(),
    delay: () => new Promise<void>((resolve) => setImmediate(resolve)),
    report: () => {},
    onError: (error: unknown) => expect.fail(String(error)),
  });
  const message = { messageId: "m", receiptHandle: "", body: bodyOf(anEvent()), sentAt: new Date(), receiveCount: 1 };
  await routeBatch(ports, [message]);
}

/** Routes events of ten customers, twelve of each; version 1 fails for one of them. */
async function routeFailing(table: RoutingTable, events: EventStore): Promise<void> {
  const error = { type: "TypeError", message: "no token" };
  const ports = withCounter({
    routing: routingCache(table),
    events,
    target: async ({ payload }: { payload: string }) => {
      const ran = { executedVersion: "1", durationMs: 1 };
      const fails = JSON.parse(payload).detail.metadata.customer === "customer-3";
      return fails ? { outcome: "failed" as const, ...ran, error } : { outcome: "done" as const, ...ran };
    },
    now: () => new Date(),
    random: () => 0.5,
    newId: () => crypto.randomUUID(),
    delay: () => new Promise<void>((resolve) => setImmediate(resolve)),
    report: () => {},
    onError: (trouble: unknown) => expect.fail(String(trouble)),
  });
  const messages = Array.from({ length: 120 }, (_, n) => {
    const event = anEvent({ id: `e-${n}`, customer: `customer-${n % 10}`, detail: { n } });
    return { messageId: `m-${n}`, receiptHandle: "", body: bodyOf(event), sentAt: new Date(), receiveCount: 1 };
  });
  for (let n = 0; n < messages.length; n += 10) await routeBatch(ports, messages.slice(n, n + 10));
  await ports.counter.flush();
}

withDynamoDB("the commands on AWS", (endpoint) => {
  describe("turnout --env prod", () => {
    it("says how versions do, whom they fail for, and what acts on that", async () => {
      const { turnout, json, table, store } = await aCliOnAws(endpoint);
      await routeFailing(table, store);
      const health = await turnout(["health", RC, "--json"]);
      expect(jsonLines(health.stdout)).toMatchObject([
        {
          component_version: "1",
          aliases: ["stable", "beta"],
          takes_others: true,
          first_attempts: 120,
          failed: 12,
          customers_affected: 1,
          top_error: { error: "TypeError: no token", first_seen: "1" },
        },
      ]);
      const byCustomer = jsonLines((await turnout(["health", RC, "--by", "customer", "--json"])).stdout);
      expect(byCustomer).toHaveLength(10);
      expect(byCustomer[0]).toMatchObject({ value: "customer-3", failed: 12, first_attempts: 12 });
      const [first, ...others] = await json(["failures", RC]);
      expect(others).toEqual([]);
      expect(first).toMatchObject({
        traits: [{ of: "customer", value: "customer-3" }],
        failures: 12,
        others: 0,
        // It is on stable already: there is nowhere to pin it to.
        act: null,
        replay: expect.stringMatching(/^turnout --env prod replay plan --from .* --customer customer-3 --unresolved$/),
      });
    });

    it("pins, explains, and tells who did it by the caller's ARN", async () => {
      const { turnout, json, shell, plane } = await aCliOnAws(endpoint);
      const pin = ["pin", "--customer", "acme", "--component", RC, "--to", "beta", "--reason", "a test"];
      expect(await turnout([...pin, "--dry-run"])).toMatchObject({ code: 0 });
      const pinned = await turnout([...pin, "--yes", "--env", "prod"], "", { TURNOUT_ENV: undefined });
      expect(pinned).toMatchObject({ code: 0, stdout: expect.stringMatching(/^revision 2: pin customer acme/) });
      expect(await json(["explain", "--component", RC, "--customer", "acme"])).toMatchObject([
        { alias: "beta", because: "customer pin" },
      ]);
      expect((await json(["history"])).at(-1)).toMatchObject({
        revision: 2,
        who: plane.caller,
        command: `turnout ${pin.map((word) => (word === "a test" ? "'a test'" : word)).join(" ")} --yes --env prod`,
      });
      const undo = undoIn(pinned);
      expect(undo).toContain("turnout --env prod unpin --customer acme");
      expect((await shell(`${undo} --yes`)).code).toBe(0);
    });

    it("prints what the function has written, of an event by the request that it was called with", async () => {
      const { json, turnout, table, store, logs } = await aCliOnAws(endpoint);
      const requestId = "79a4b3c1-0000-4000-8000-000000000001";
      await routeOne(table, store, "1", requestId);
      const group = `/aws/lambda/${RC}`;
      logs.write(group, new Date(), "1", `2026\t${requestId}\tINFO\tlooks for the release\n`);
      logs.write(group, new Date(), "2", "of nobody");
      const told = { "cloudevents.event_id": "event-1", component: RC, attempt: 1, request_id: requestId };
      logs.write("/aws/lambda/prod-turnout-router", new Date(), "1", JSON.stringify(told));
      expect(await json(["logs", RC])).toMatchObject([
        { component_version: "1", event_id: "event-1", attempt: 1, request_id: requestId },
        { text: "of nobody", event_id: null },
      ]);
      const line = { text: "INFO looks for the release", request_id: requestId, attempt: 1, event_id: "event-1" };
      expect(await json(["logs", RC, "--event", "event-1"])).toMatchObject([line]);
      const { stdout } = await turnout(["event", "show", "event-1"]);
      expect(stdout).toMatch(/printed {6}1 {2}\S+ {2}INFO looks for the release\n/);
    });

    it("publishes a version, promotes it, rolls it back, and collects what is left", async () => {
      const { turnout, json, lambda } = await aCliOnAws(endpoint);
      expect(await json(["publish-version", RC, "--no-alias", ...why])).toMatchObject([
        { version: "2", is_new: false, changed: false },
      ]);
      lambda.upload(RC, "three");
      const publish = ["publish-version", RC, "--description", "1.4.0", ...why];
      expect(await turnout([...publish, "--code-sha256", "0".repeat(64)])).toMatchObject({ code: 5 });
      expect(await json(publish)).toMatchObject([{ version: "3", is_new: true, moved: true, alias: "experimental" }]);
      expect(await turnout(["promote", RC, "experimental", "beta", ...why])).toMatchObject({ code: 0 });
      expect(await turnout(["promote", RC, "beta", "stable", ...why])).toMatchObject({ code: 0 });
      expect(lambda.aliasesOf(RC)).toEqual({ stable: "3", beta: "3", experimental: "3" });
      expect(await turnout(["rollback", RC, "stable", ...why])).toMatchObject({ code: 0 });
      expect(lambda.aliasesOf(RC)).toMatchObject({ stable: "1" });
      const [one, two, three] = await json(["gc", RC, ...why]);
      expect([one, two, three]).toMatchObject([
        { version: "1", kept_by: ["stable", "rollback of beta"], deleted: false },
        { version: "2", kept_by: [], deleted: true },
        { version: "3", kept_by: ["beta", "experimental", "newest"], deleted: false },
      ]);
      expect(lambda.versionsOf(RC)).toEqual(["1", "3"]);
      expect((await json(["history"])).at(-1)).toMatchObject({
        why: `a test (delete 1 version of ${RC}, of 3: 2)`,
        rows_changed: 0,
      });
      expect(await json(["versions", RC])).toMatchObject([
        { version: "1", aliases: ["stable"] },
        { version: "3", description: "1.4.0", aliases: ["beta", "experimental"] },
      ]);
    });

    it("publishes events on the bus, lists them, and has them replayed", async () => {
      const { turnout, json, plane, proxy, lambda, table, store } = await aCliOnAws(endpoint);
      const detail = { total: 12, big: 1 };
      const text = JSON.stringify({ Source: "shop", DetailType: "order placed", Detail: detail }).replace(
        '"big":1',
        '"big":12345678901234567890',
      );
      expect(await json(["publish"], text)).toMatchObject([{ event_id: "event-1" }]);
      expect(plane.published).toMatchObject([{ Source: "shop", EventBusName: "prod-turnout-bus" }]);
      expect(plane.published[0]?.Detail).toMatch(
        /^\{"total":12,"big":12345678901234567890,"metadata":\{"turnoutEventId":"[0-9a-f-]{36}"\}\}$/,
      );

      // What the publisher policy allows, and nothing else.
      expect([plane.counts, proxy.counts()]).toEqual([{ GetParameter: 1, PutEvents: 1 }, {}]);

      await routeOne(table, store, "1");
      expect(await json(["events"])).toMatchObject([{ status: "done", component_version: "1" }]);

      const start = ["replay", "start", "--since", "5m", "--detach", ...why];
      const started = await turnout([...start, "--name", "again"]);
      expect(started).toMatchObject({ code: 0, stdout: "replay again started\n" });
      expect(started.stderr).toContain("turnout --env prod replay watch again");
      const replayer = "prod-turnout-replayer";
      expect(lambda.invocations).toEqual([{ functionName: replayer, type: "Event", payload: { replay: "again" } }]);
      expect(await json(["replay", "list"])).toMatchObject([{ replay: "again", who: plane.caller }]);

      lambda.fail("Invoke", deniedAnswer("lambda:InvokeFunction", functionArn(replayer)));
      const uncalled = await turnout([...start, "--name", "uncalled"]);
      expect(uncalled).toMatchObject({ code: 0 });
      expect(uncalled.stderr).toMatch(/could not be called, so that uncalled begins within a minute: .*InvokeFunction/);
    });
  });

  describe("turnout doctor on AWS", () => {
    it("finds nothing wrong where nothing is", async () => {
      const { turnout, proxy, settings } = await aCliOnAws(endpoint);
      proxy.faults("DescribeContinuousBackups", pitr("ENABLED"), pitr("ENABLED"));
      const client = dynamodbClient(endpoint);
      const TimeToLiveSpecification = { AttributeName: "expires", Enabled: true };
      const TableName = settings.TURNOUT_EVENT_TABLE;
      await client.send(new UpdateTimeToLiveCommand({ TableName, TimeToLiveSpecification }));
      client.destroy();
      const { code, stdout, stderr } = await turnout(["doctor"]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "all is well\n" });
      expect(stdout).toContain("assumed-role/Operator/ada, account 123456789012, eu-west-1");
    });

    it("tells each thing that is wrong, and what to do", async () => {
      const { turnout, proxy, plane, lambda, sqs, settings } = await aCliOnAws(endpoint);
      await turnout(["alias", "set", RC, "stable", "2", ...why]);
      lambda.point(RC, "stable", "1");
      lambda.point(RC, "beta", "1", { 2: 0.1 });
      proxy.faults("DescribeContinuousBackups", pitr("DISABLED"));
      plane.setClockAhead(60_000);
      plane.fail("HeadBucket", { status: 404, body: {} });
      plane.fail("DescribeEventBus", refused("ResourceNotFoundException", "no bus"));
      lambda.setQuota(1_000, 700);
      const client = sqsClient(sqs.endpoint);
      await sqsEventQueue({ client, queueUrl: sqs.deadLetterQueueUrl }).send(["left"], new Date());
      const { TURNOUT_COMMITTER: _, ...named } = settings;
      const other = { ...named, TURNOUT_EVENT_TABLE: "gone", TURNOUT_REPLAYER: "gone" };
      plane.parameters.set("/turnout/prod", JSON.stringify(other));
      const { code, stdout } = await turnout(["doctor", "--json"]);
      expect(code).toBe(1);
      const found = jsonLines(stdout).filter(({ status }) => status !== "ok");
      expect(found.map(({ check, status, found: what }) => `${check}, ${status}: ${what}`)).toEqual([
        expect.stringMatching(/^clock, warning: (59|60|61)\.\d s ahead of AWS's$/),
        expect.stringMatching(/^(routing table: backups, warning: point-in-time recovery is off)$/),
        "event table, problem: there is no table gone",
        "body bucket, problem: there is no bucket bodies-of-acme",
        "dead-letter queue, warning: about 1 waiting, 0 in flight",
        "rule's dead-letter queue, warning: about 1 waiting, 0 in flight",
        "event bus, problem: there is no bus prod-turnout-bus",
        "replayer, problem: there is no function gone: no replay goes on",
        "committer, warning: the settings name none: who changes the routing has to be allowed to write its table",
        "concurrency, warning: routing may take 800 executions at once, of 700 that the account has for everybody (its quota is 1000): under load, components and routers are throttled, and events wait",
        `stable of ${RC}, problem: was moved behind Turnout's back: it points at version 1, and revision 3 by ${plane.caller} has it at 2`,
        `beta of ${RC}, problem: was moved behind Turnout's back: it points at version 1, and 10 % to version 2`,
      ]);
      expect(found.every(({ remedy }) => typeof remedy === "string" && remedy !== "")).toBe(true);
    });
  });

  it("turnout doctor compares what functions are set to with what their components say", async () => {
    const { turnout, lambda } = await aCliOnAws(endpoint);
    lambda.release(RC, "three");
    lambda.point(RC, "experimental", "3");
    const target = { kind: "lambda", functionArn: functionArn(RC) };
    const component = {
      name: RC,
      pattern: { source: ["shop"] },
      aliases: { stable: { target }, beta: { target }, experimental: { target } },
      timeoutMs: 10_000,
      invocation: { kind: "async", maxEventAgeMs: 60_000 },
    };
    expect(await turnout(["component", "apply", "-", ...why], JSON.stringify(component))).toMatchObject({ code: 0 });
    const to = { Destination: "arn:aws:sqs:eu-west-1:123456789012:outcomes" };
    const told = { DestinationConfig: { OnSuccess: to, OnFailure: to }, MaximumEventAgeInSeconds: 60 };
    lambda.configure(RC, "stable", { ...told, MaximumRetryAttempts: 0 });
    lambda.configure(RC, "beta", told);
    const { code, stdout } = await turnout(["doctor", "--json"]);
    expect(code).toBe(1);
    const found = jsonLines(stdout).filter(({ check }) => String(check).endsWith(`of ${RC}`));
    const slow = "may run for 30000 ms, and is given up after 10000 ms: it may run twice at once";
    expect(found.map(({ check, found: what }) => `${check}: ${what}`)).toEqual([
      `stable of ${RC}: ${slow}`,
      `beta of ${RC}: ${slow}`,
      `beta of ${RC}: Lambda tries 2 more times by itself`,
      `experimental of ${RC}: ${slow}`,
      `experimental of ${RC}: nobody is told what becomes of its events: it has no destinations for both outcomes`,
    ]);
  });

  it("turnout doctor tells which permission is missing, and goes on", async () => {
    const { turnout, lambda } = await aCliOnAws(endpoint);
    lambda.fail("ListAliases", deniedAnswer("lambda:ListAliases", functionArn(RC)));
    const { code, stdout } = await turnout(["doctor", "--json"]);
    expect(code).toBe(1);
    expect(jsonLines(stdout).filter(({ status }) => status === "problem")).toMatchObject([
      { check: `component ${RC}`, found: expect.stringContaining("may not do lambda:ListAliases on") },
    ]);
  });

  it("turnout undo rolls an alias back and calls the replayer for what its version handled", async () => {
    const { turnout, lambda, table, store } = await aCliOnAws(endpoint);
    await turnout(["alias", "set", RC, "stable", "2", ...why]);
    await routeOne(table, store, "2");
    const undone = await turnout(["undo", RC, "stable", "--name", "undo-2", "--detach", ...why]);
    expect(undone).toMatchObject({ code: 0, stdout: expect.stringContaining("replay undo-2 started") });
    expect(lambda.aliasesOf(RC)).toMatchObject({ stable: "1" });
    expect(lambda.invocations).toMatchObject([{ type: "Event", payload: { replay: "undo-2" } }]);
  });

  describe("bad input on AWS", () => {
    it("is told before an alias is moved that isn't where the change log has it, or is shared out", async () => {
      const { turnout, lambda } = await aCliOnAws(endpoint);
      await turnout(["alias", "set", RC, "stable", "2", ...why]);
      lambda.point(RC, "stable", "1");
      const dry = await turnout(["promote", RC, "beta", "experimental", "--reason", "x", "--dry-run"]);
      expect(dry.stderr).not.toContain("behind Turnout's back");
      const moved = await turnout(["alias", "set", RC, "stable", "2", "--json", ...why]);
      expect(moved.stderr).toContain("was moved behind Turnout's back: it points at version 1, and revision 3 by");
      lambda.point(RC, "stable", "1", { 2: 0.1 });
      const refusal = await turnout(["alias", "set", RC, "stable", "2", ...why]);
      expect(refusal).toMatchObject({
        code: 5,
        stderr: expect.stringMatching(/gives 10 % of its events to version 2/),
      });
      expect(lambda.aliasesOf(RC)).toMatchObject({ stable: "1" });
    });

    it("ends with a message and a code of its own", async () => {
      const { turnout, plane, lambda, settings, proxy } = await aCliOnAws(endpoint);
      const set = ["alias", "set", RC, "stable", "2", ...why];
      const ends = async (
        code: number,
        message: RegExp,
        args = ["pins"],
        other: Record<string, string | undefined> = {},
      ) => {
        const result = await turnout(args, "", other);
        expect(result).toMatchObject({ code, stdout: "", stderr: expect.stringMatching(message) });
        expect(result.stderr).not.toContain("unexpected");
      };
      const noKeys = { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined };
      await ends(4, /No AWS credentials were found.*AWS_PROFILE/, ["pins"], noKeys);
      await ends(2, /No AWS region is set\. Set AWS_REGION/, ["pins"], { AWS_REGION: undefined });
      await ends(2, /'Prod!' can't be the environment's name/, ["pins"], { TURNOUT_ENV: "Prod!" });
      await ends(3, /No such environment in account 123456789012, eu-west-1.*\/turnout\/prdo.*There are: prod\./, [
        "pins",
        "--env",
        "prdo",
      ]);
      await ends(3, /there is no SSM parameter \/acme\/prod/, ["pins"], { TURNOUT_APPLICATION: "acme" });
      plane.fail(
        "GetParameter",
        refused("ExpiredTokenException", "The security token included in the request is expired"),
      );
      await ends(4, /session has expired.*aws sso login/);
      plane.fail(
        "GetParameter",
        refused(
          "AccessDeniedException",
          "User: arn:aws:sts::123456789012:assumed-role/Viewer/ada is not authorized to perform: ssm:GetParameter on resource: arn:aws:ssm:eu-west-1:123456789012:parameter/turnout/prod because no policy allows it",
        ),
      );
      await ends(4, /Viewer\/ada may not do ssm:GetParameter on arn\S+\/turnout\/prod\./);

      const component = JSON.stringify({ name: "mailer", pattern: { source: ["shop"] }, aliases: { stable: {} } });
      const apply = await turnout(["component", "apply", "-", ...why], component);
      expect(apply).toMatchObject({ code: 2, stderr: expect.stringContaining("None is given for stable") });
      await ends(2, /leave the folder out here/, ["publish-version", RC, ".", ...why]);
      await ends(3, /has no version 9; it has 1, 2/, ["alias", "set", RC, "stable", "9", ...why]);
      lambda.fail("UpdateAlias", deniedAnswer("lambda:UpdateAlias", `${functionArn(RC)}:stable`));
      await ends(4, /may not do lambda:UpdateAlias on \S+:stable/, set);
      lambda.fail("Invoke", deniedAnswer("lambda:InvokeFunction", functionArn("prod-turnout-committer")));
      const pin = ["pin", "--customer", "acme", "--component", RC, "--to", "beta", ...why];
      await ends(4, /may not do lambda:InvokeFunction on \S+:prod-turnout-committer/, pin);
      lambda.fail("ListAliases", ...Array.from({ length: 6 }, () => throttledAnswer));
      await ends(1, /turned the request away 6 times.*Try again/, ["aliases", RC]);
      plane.fail(
        "PutEvents",
        refused(
          "AccessDeniedException",
          "User: arn:aws:iam::123456789012:user/ada is not authorized to perform: events:PutEvents on resource: arn:aws:events:eu-west-1:123456789012:event-bus/prod-turnout-bus",
        ),
      );
      const publish = await turnout(["publish"], '{"Source":"shop","DetailType":"order placed","Detail":{}}');
      expect(publish).toMatchObject({ code: 4, stderr: expect.stringContaining("may not do events:PutEvents") });

      plane.parameters.set("/turnout/prod", JSON.stringify({ ...settings, TURNOUT_ROUTING_TABLE: "gone" }));
      await ends(3, /There is no DynamoDB table 'gone' in this account and region/);
      plane.parameters.set("/turnout/prod", JSON.stringify({ ...settings, TURNOUT_BODY_BUCKET: "Bad" }));
      await ends(1, /SSM parameter \/turnout\/prod can't be used: TURNOUT_BODY_BUCKET.*Deploy Turnout again/);
      const doctor = await turnout(["doctor", "--json"]);
      expect([doctor.code, jsonLines(doctor.stdout)]).toMatchObject([1, [{ check: "environment", status: "problem" }]]);
      // Commands never write the routing table: the function does.
      expect(proxy.counts().TransactWriteItems).toBeUndefined();
    });
  });
});

describe("on this machine", () => {
  it("refuses what is only on AWS", async () => {
    const { turnout } = aCli();
    await turnout(
      ["component", "apply", "-", ...why],
      JSON.stringify({ name: RC, pattern: { source: ["shop"] }, aliases: { experimental: {}, stable: {} } }),
    );
    const publish = (...args: string[]) => turnout(["publish-version", RC, ...args, ...why]);
    expect(await publish()).toMatchObject({ code: 2, stderr: expect.stringContaining("Name the folder") });
    const sha = await publish(".", "--code-sha256", "x");
    expect(sha).toMatchObject({ code: 2, stderr: expect.stringContaining("for functions on AWS") });
  });
});
