import type { CloudFormationCustomResourceEvent } from "aws-lambda";
import { expect, it } from "vitest";
import { type ComponentResourcePorts, onComponentResource } from "../../functions/component-resource.ts";
import { customResourceHandler } from "../../functions/custom-resource.ts";
import { DEFAULT_GUARDRAILS } from "../../shared/domain/routing/guardrails.ts";
import { changeRoutes } from "../../shared/flows/change/change-routes.ts";
import { moveAlias } from "../../shared/flows/versions/move-alias.ts";
import { lambdaVersionCatalog } from "../../shared/versions/lambda-version-catalog.ts";
import { aPin, aRecord } from "../support/builders.ts";
import { aNewEventStore } from "../support/dynamodb-event-store.ts";
import { withDynamoDB } from "../support/dynamodb-local.ts";
import { aNewRoutingTable } from "../support/dynamodb-routing.ts";
import { deniedAnswer, functionArn, lambdaControlClient, lambdaControlStub } from "../support/lambda-control-stub.ts";
import { stubServer } from "../support/stub-server.ts";

const FUNCTION = "dev-mailer";
const START = new Date("2026-11-20T10:00:00.000Z");

type Answer = { Status: string; Reason?: string; PhysicalResourceId: string };

withDynamoDB("a component that is deployed", (endpoint) => {
  async function anEnvironment() {
    const { table } = await aNewRoutingTable(endpoint);
    const { store: events } = await aNewEventStore(endpoint);
    const lambda = await lambdaControlStub();
    const client = lambdaControlClient(lambda.endpoint);
    const answers: Answer[] = [];
    const cloudFormation = await stubServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        answers.push({ ...JSON.parse(Buffer.concat(chunks).toString()), contentType: request.headers["content-type"] });
        response.end();
      });
    });
    const waits: number[] = [];
    const ports: ComponentResourcePorts = {
      table,
      events,
      catalogOf: (arn) => lambdaVersionCatalog({ client, functionOf: async () => arn }),
      now: () => START,
      newId: () => crypto.randomUUID(),
      delay: async (ms) => waits.push(ms),
    };
    const handler = customResourceHandler({
      idOf: ({ name }) => String(name),
      work: (event) => onComponentResource(ports, event),
      onError: () => {},
    });
    let before: object | undefined;
    /** What CloudFormation asks for a stack whose function has published a version. */
    async function deploy(version: string, about: object = {}): Promise<Answer> {
      const properties = {
        ServiceToken: "arn",
        name: "mailer",
        functionArn: functionArn(FUNCTION),
        settings: JSON.stringify({ pattern: { source: ["shop"] }, timeoutMs: 31_000, invocation: { kind: "sync" } }),
        version,
        aliases: ["stable", "beta", "experimental"],
        moves: "experimental",
        ...about,
      };
      const answer = await ask(before === undefined ? "Create" : "Update", properties, before);
      if (answer.Status === "SUCCESS") before = properties;
      return answer;
    }
    async function ask(RequestType: string, ResourceProperties: object, OldResourceProperties?: object) {
      await handler({
        RequestType,
        ResponseURL: cloudFormation,
        StackId: "arn:aws:cloudformation:eu-west-1:123456789012:stack/dev-shop/1",
        RequestId: "1",
        LogicalResourceId: "Component",
        ResourceType: "Custom::TurnoutComponent",
        ServiceToken: "arn",
        ResourceProperties,
        ...(RequestType === "Create" ? {} : { PhysicalResourceId: "mailer" }),
        ...(OldResourceProperties === undefined ? {} : { OldResourceProperties }),
      } as CloudFormationCustomResourceEvent);
      return answers.at(-1) as Answer;
    }
    const row = async () => (await table.rows(["component#mailer"])).rows.get("component#mailer");
    const operator = { changeId: "op", who: "ada", why: "a test", command: "test", at: START };
    return { table, events, lambda, ports, deploy, ask, row, waits, operator };
  }

  it("is registered with its aliases at the first version", async () => {
    const { lambda, deploy, row, table } = await anEnvironment();
    const first = lambda.release(FUNCTION, "one");
    expect(await deploy(first)).toMatchObject({ Status: "SUCCESS", PhysicalResourceId: "mailer" });
    expect(lambda.aliasesOf(FUNCTION)).toEqual({ stable: "1", beta: "1", experimental: "1" });
    const target = { kind: "lambda", functionArn: functionArn(FUNCTION) };
    expect(await row()).toMatchObject({
      name: "mailer",
      pattern: { source: ["shop"] },
      timeoutMs: 31_000,
      aliases: { stable: { target }, beta: { target }, experimental: { target } },
    });
    expect(await table.changesAfter(0, 10)).toMatchObject([{ who: "cloudformation", why: "deployment of dev-shop" }]);
  });

  it("moves only the alias that it is told to, and says so in the change log", async () => {
    const { lambda, deploy, table } = await anEnvironment();
    await deploy(lambda.release(FUNCTION, "one"));
    await deploy(lambda.release(FUNCTION, "two"));
    expect(lambda.aliasesOf(FUNCTION)).toEqual({ stable: "1", beta: "1", experimental: "2" });
    const move = { component: "mailer", alias: "experimental", from: "1", to: "2", kind: "publish" };
    expect((await table.changesAfter(1, 10)).map((entry) => entry.move)).toMatchObject([
      { ...move, stage: "intended" },
      { ...move, stage: "settled" },
    ]);
  });

  it("is registered with what its aliases stand for, of which a deployment moves only what it says", async () => {
    const { ask, row, table, operator } = await anEnvironment();
    const queue = (name: string) => ({ kind: "sqs", queueArn: `arn:aws:sqs:eu-west-1:123456789012:${name}` });
    const deployed = (experimental: object, stable: object) => ({
      name: "mailer",
      settings: JSON.stringify({ pattern: { source: ["shop"] }, timeoutMs: 30_000, invocation: { kind: "sync" } }),
      targets: JSON.stringify({ experimental }),
      initially: JSON.stringify({ stable }),
    });
    const first = deployed(queue("one"), queue("one"));
    expect(await ask("Create", first)).toMatchObject({ Status: "SUCCESS", PhysicalResourceId: "mailer" });
    const edit = {
      kind: "change component" as const,
      component: "mailer",
      change: { set: "default alias" as const, alias: "experimental" },
    };
    await changeRoutes(table, { ...operator, edit });
    expect(await ask("Update", deployed(queue("two"), queue("two")), first)).toMatchObject({ Status: "SUCCESS" });
    expect(await row()).toMatchObject({
      defaultAlias: "experimental",
      aliases: { stable: { target: queue("one") }, experimental: { target: queue("two") } },
    });
    const wrong = await ask("Update", deployed({ kind: "sqs", queueArn: "orders" }, queue("one")));
    expect(wrong).toMatchObject({ Status: "FAILED", Reason: expect.stringContaining("expected a queue's ARN") });
  });

  it("keeps what operators have changed of it", async () => {
    const { lambda, deploy, row, table, operator } = await anEnvironment();
    await deploy(lambda.release(FUNCTION, "one"));
    const change = { set: "default alias" as const, alias: "beta" };
    await changeRoutes(table, { ...operator, edit: { kind: "change component", component: "mailer", change } });
    const branch = { set: "alias" as const, alias: "branch-new-cool-page" };
    const more = { ...operator, changeId: "op2" };
    await changeRoutes(table, { ...more, edit: { kind: "change component", component: "mailer", change: branch } });
    const settings = JSON.stringify({ pattern: { source: ["mail"] }, timeoutMs: 5_000, invocation: { kind: "sync" } });
    await deploy(lambda.release(FUNCTION, "two"), { settings });
    expect(await row()).toMatchObject({
      defaultAlias: "beta",
      pattern: { source: ["mail"] },
      timeoutMs: 5_000,
      aliases: { "branch-new-cool-page": {} },
    });
  });

  it("takes its own move back when the deployment fails", async () => {
    const { lambda, deploy } = await anEnvironment();
    const [first, second] = [lambda.release(FUNCTION, "one"), lambda.release(FUNCTION, "two")];
    await deploy(first);
    await deploy(second);
    await deploy(first);
    expect(lambda.aliasesOf(FUNCTION)).toMatchObject({ experimental: "1" });
  });

  it("leaves an alias where an operator has put it: without a new version, and after one whose deployment failed", async () => {
    const { lambda, deploy, ports, operator } = await anEnvironment();
    const [first, second] = [lambda.release(FUNCTION, "one"), lambda.release(FUNCTION, "two")];
    await deploy(first);
    await deploy(second);
    const catalog = ports.catalogOf(functionArn(FUNCTION));
    const move = { component: "mailer", alias: "experimental", from: second, to: first };
    await moveAlias({ ...ports, catalog }, { ...operator, move, kind: "rollback" });
    const settings = JSON.stringify({ pattern: { source: ["till"] }, timeoutMs: 31_000, invocation: { kind: "sync" } });
    expect(await deploy(second, { settings })).toMatchObject({ Status: "SUCCESS" });
    expect(lambda.aliasesOf(FUNCTION)).toMatchObject({ experimental: first });
    const third = lambda.release(FUNCTION, "three");
    await deploy(third);
    expect(lambda.aliasesOf(FUNCTION)).toMatchObject({ experimental: third });
    await deploy(second);
    expect(lambda.aliasesOf(FUNCTION)).toMatchObject({ experimental: first });
  });

  it("waits for a permission that was given a moment ago", async () => {
    const { lambda, deploy, waits } = await anEnvironment();
    const first = lambda.release(FUNCTION, "one");
    const denied = deniedAnswer("lambda:GetAlias", functionArn(FUNCTION));
    lambda.fail("GetAlias", denied, denied);
    expect(await deploy(first)).toMatchObject({ Status: "SUCCESS" });
    expect(waits).toEqual([10_000, 10_000]);
  });

  it("fails with the reason when the permission never comes", async () => {
    const { lambda, deploy } = await anEnvironment();
    const first = lambda.release(FUNCTION, "one");
    lambda.fail("GetAlias", ...Array.from({ length: 7 }, () => deniedAnswer("lambda:GetAlias", functionArn(FUNCTION))));
    expect(await deploy(first)).toMatchObject({
      Status: "FAILED",
      Reason: expect.stringContaining("may not do lambda:GetAlias"),
    });
  });

  it("fails at once in a freeze, with nothing registered or moved", async () => {
    const { lambda, deploy, table, operator, waits } = await anEnvironment();
    await deploy(lambda.release(FUNCTION, "one"));

    const freeze = { who: "ada", why: "an incident", at: START.toISOString() };
    const guardrails = { ...DEFAULT_GUARDRAILS, freeze };
    await changeRoutes(table, { ...operator, edit: { kind: "set guardrails", guardrails } });
    expect(await deploy(lambda.release(FUNCTION, "two"))).toMatchObject({
      Status: "FAILED",
      Reason: expect.stringContaining("an incident"),
    });
    expect(lambda.aliasesOf(FUNCTION)).toMatchObject({ experimental: "1" });
    expect(waits).toEqual([]);
  });

  it("fails at once past a guardrail, moves nothing, and says what an operator can do", async () => {
    const { lambda, deploy, table, operator, waits } = await anEnvironment();
    const first = lambda.release(FUNCTION, "one");
    await deploy(first);
    const pin = aPin({ alias: "experimental", until: "2999-01-01T00:00:00.000Z" });
    const guardrails = { ...DEFAULT_GUARDRAILS, protectedSubjects: ["customer#acme"] };
    for (const edit of [
      { kind: "pin", level: "customer", id: "acme", component: "mailer", pin },
      { kind: "set guardrails", guardrails },
    ] as const) {
      await changeRoutes(table, { ...operator, changeId: edit.kind, edit });
    }
    const head = await table.head();
    const second = lambda.release(FUNCTION, "two");
    const { Status, Reason } = await deploy(second);
    expect(Status).toBe("FAILED");
    expect(Reason).toContain("events of customer acme would move on mailer, and are protected");
    expect(Reason).toContain("have an operator move experimental of mailer to version 2 by force");
    expect(lambda.aliasesOf(FUNCTION)).toMatchObject({ experimental: "1" });
    expect([await table.head(), waits]).toEqual([head, []]);
    // As CloudFormation goes back to what it had, and as the message says.
    expect(await deploy(first)).toMatchObject({ Status: "SUCCESS" });
    expect(await deploy(second, { moves: undefined })).toMatchObject({ Status: "SUCCESS" });
    expect(lambda.aliasesOf(FUNCTION)).toMatchObject({ experimental: "1" });
  });

  it("fails where more of the last hour's events would change version than may", async () => {
    const { lambda, deploy, table, operator, events } = await anEnvironment();
    await deploy(lambda.release(FUNCTION, "one"));
    const guardrails = { ...DEFAULT_GUARDRAILS, maxEventShareOff: 500 };
    await changeRoutes(table, { ...operator, edit: { kind: "set guardrails", guardrails } });
    await changeRoutes(table, {
      ...operator,
      changeId: "pin",
      edit: {
        kind: "pin",
        level: "customer",
        id: "acme",
        component: "mailer",
        pin: aPin({ alias: "experimental", until: "2999-01-01T00:00:00.000Z" }),
      },
    });
    await events.record([
      aRecord({ subject: { customer: "acme" }, components: ["mailer"], t0: new Date(START.getTime() - 60_000) }),
    ]);
    expect(await deploy(lambda.release(FUNCTION, "two"))).toMatchObject({
      Status: "FAILED",
      Reason: expect.stringContaining("100% of the last hour's events would change version at once on mailer"),
    });
  });

  it("fails on a version that isn't there, and names those that are", async () => {
    const { lambda, deploy } = await anEnvironment();
    lambda.release(FUNCTION, "one");
    expect(await deploy("9")).toMatchObject({ Status: "FAILED", Reason: expect.stringContaining("Its newest is 1") });
  });

  it("fails on a pattern that is none", async () => {
    const { lambda, deploy } = await anEnvironment();
    const settings = JSON.stringify({ pattern: { source: "shop" } });
    const answer = await deploy(lambda.release(FUNCTION, "one"), { settings });
    expect(answer).toMatchObject({ Status: "FAILED", Reason: expect.stringContaining("pattern") });
  });

  it("stays in the routing table when its stack is deleted", async () => {
    const { lambda, deploy, ask, row } = await anEnvironment();
    await deploy(lambda.release(FUNCTION, "one"));
    expect(await ask("Delete", { name: "mailer" })).toMatchObject({ Status: "SUCCESS", PhysicalResourceId: "mailer" });
    expect(await row()).toMatchObject({ name: "mailer" });
    expect(lambda.aliasesOf(FUNCTION)).toMatchObject({ stable: "1" });
  });

  it("answers CloudFormation without a content type, which its URL isn't signed for", async () => {
    const { lambda, deploy } = await anEnvironment();
    expect(await deploy(lambda.release(FUNCTION, "one"))).toMatchObject({ contentType: undefined });
  });
});
