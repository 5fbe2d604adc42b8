import { describe, expect, it } from "vitest";
import { readable } from "./granted.ts";
import { type AwsRequest, isAllowed } from "./policy-evaluator.ts";
import { synthesized } from "./synthesized.ts";

const { resources } = synthesized("prod");

/** The policies of a function's role, or one managed policy. */
function policiesOf(who: string) {
  const found = resources.filter(({ type, properties }) => {
    if (type === "AWS::IAM::ManagedPolicy")
      return readable(properties.ManagedPolicyName) === `prod-turnout-${who}-REGION`;
    return (
      type === "AWS::IAM::Policy" &&
      new RegExp(`^(Routing|Replay|Sweeping|Watching|Access)${who}Role$`).test(readable([properties.Roles].flat()[0]))
    );
  });
  expect(found.length).toBeGreaterThan(0);
  return found;
}

const may = (who: string, request: AwsRequest) => isAllowed(policiesOf(who), request);

const PEOPLE = ["viewer", "operator", "on-call"];
const COMMITTING = ["Committer", "ComponentResource", "MoveSweeper", "Guard"];
const OTHERS = ["Router", "DeadLetters", "RuleDeadLetterTaker", "Outcomes", "Replayer", "Sweeper", "Watcher"];

const writes = [
  "PutItem",
  "UpdateItem",
  "DeleteItem",
  "BatchWriteItem",
  "PartiQLInsert",
  "PartiQLUpdate",
  "PartiQLDelete",
];
const onRow = (operation: string, pk: string): AwsRequest => ({
  action: `dynamodb:${operation}`,
  on: "StorageRoutingTable",
  context: { "dynamodb:LeadingKeys": [pk] },
});

describe("the change log", () => {
  const rows = ["log", "change#2f1a", "head", "components", "component#mailer", "customer#3"];

  it.each([...PEOPLE, "publisher", ...OTHERS])(
    "can't be written by %s, and neither can any row of the routing",
    (who) => {
      for (const row of rows) {
        for (const operation of writes)
          expect([operation, row, may(who, onRow(operation, row))]).toEqual([operation, row, false]);
      }
    },
  );

  it.each(COMMITTING)("can be added to by the function %s, and not be updated or deleted by it", (who) => {
    for (const row of ["log", "change#2f1a"]) {
      expect(writes.filter((operation) => may(who, onRow(operation, row)))).toEqual(["PutItem"]);
    }
  });

  it.each(COMMITTING)("is moved on, with the rows of a change, by the function %s", (who) => {
    expect(may(who, onRow("UpdateItem", "head"))).toBe(true);
    expect(may(who, onRow("UpdateItem", "components"))).toBe(true);
    for (const row of ["component#mailer", "customer#3"]) {
      expect([may(who, onRow("PutItem", row)), may(who, onRow("DeleteItem", row))]).toEqual([true, true]);
    }
  });

  it("is added to by people through the committer, which a viewer may not call", () => {
    const commit = { action: "lambda:InvokeFunction", on: "AccessCommitter" };
    expect(PEOPLE.map((who) => may(who, commit))).toEqual([false, true, true]);
  });
});

describe("versions and aliases", () => {
  const ARN = "arn:PARTITION:lambda:REGION:ACCOUNT:function:";
  const tagged = (value: string) => ({ "aws:ResourceTag/turnout-environment": value });
  const own = tagged("prod-turnout");
  const publish = (on: string, context = {}) => ({ action: "lambda:PublishVersion", on: ARN + on, context });
  const move = (on: string, context = {}) => ({ action: "lambda:UpdateAlias", on: ARN + on, context });
  const remove = (on: string, context = {}) => ({ action: "lambda:DeleteFunction", on: ARN + on, context });

  it.each<[string, AwsRequest, string[]]>([
    ["a component's alias", move("prod-shop-mailer", own), ["operator", "on-call"]],
    ["a component's version to be published", publish("prod-shop-mailer", own), ["operator"]],
    ["a component's version to be removed", remove("prod-shop-mailer:3", own), ["operator"]],
    ["a component, whatever its name is", move("mailer", own), ["operator", "on-call"]],
    ["a whole function", remove("prod-shop-mailer", own), []],
    ["a function that is only named like one", move("prod-shop-mailer"), []],
    ["a version of such a function", remove("prod-billing:3"), []],
    ["one of Turnout's own functions", move("prod-turnout-router"), []],
    ["a component of another environment", move("prod-shop-mailer", tagged("dev-turnout")), []],
    ["a component of another application", publish("prod-shop-mailer", tagged("prod-events")), []],
  ])("%s", (_, request, who) => {
    expect(["publisher", ...PEOPLE].filter((one) => may(one, request))).toEqual(who);
  });

  it("are no component's by a tag that people could set", () => {
    for (const action of ["lambda:TagResource", "lambda:UntagResource"]) {
      expect([...PEOPLE].filter((who) => may(who, { action, on: `${ARN}prod-shop-mailer`, context: own }))).toEqual([]);
    }
  });
});

describe("a publisher", () => {
  const shop = { "aws:PrincipalTag/turnout-source": "shop" };
  const put = (sources: readonly string[] | undefined, tags = {}): AwsRequest => ({
    action: "events:PutEvents",
    on: "RoutingBus",
    context: { ...tags, ...(sources === undefined ? {} : { "events:source": sources }) },
  });

  it.each<[string, AwsRequest, boolean]>([
    ["publishes events of its own source", put(["shop"], shop), true],
    ["publishes events of sources below its own", put(["shop.checkout", "shop"], shop), true],
    ["publishes nothing of another source", put(["billing"], shop), false],
    ["publishes nothing of a source that only begins alike", put(["shopping"], shop), false],
    ["publishes no request that has another's event among its own", put(["shop", "billing"], shop), false],
    ["publishes nothing in Turnout's name", put(["turnout"], shop), false],
    ["publishes nothing without a source of its own", put(["shop"]), false],
    ["publishes nothing of which the source isn't known", put(undefined, shop), false],
  ])("%s", (_, request, expected) => {
    expect(may("publisher", request)).toBe(expected);
  });

  it("publishes on the environment's bus alone", () => {
    expect(may("publisher", { ...put(["shop"], shop), on: "default" })).toBe(false);
  });
});

describe("replays", () => {
  const update = (pk: string) => ({
    action: "dynamodb:UpdateItem",
    on: "StorageEventTable",
    context: { "dynamodb:LeadingKeys": [pk] },
  });

  it("are started and changed by who is on call, who changes nothing else in the event table", () => {
    expect(may("on-call", update("replays"))).toBe(true);
    expect(may("on-call", update("delivery#1"))).toBe(false);
    expect(["viewer", "operator", "publisher"].filter((who) => may(who, update("replays")))).toEqual([]);
  });
});

describe("a laptop", () => {
  const on = (operation: string, pk: string) => ({
    action: `dynamodb:${operation}`,
    on: "StorageEventTable",
    context: { "dynamodb:LeadingKeys": [pk] },
  });

  it("is listened on by an operator, who writes leases and inboxes and nothing else in the event table", () => {
    expect(PEOPLE.filter((who) => may(who, on("PutItem", "laptops")))).toEqual(["operator"]);
    expect(PEOPLE.filter((who) => may(who, on("BatchWriteItem", "inbox#mailer#laptop-ada")))).toEqual(["operator"]);
    for (const operation of ["PutItem", "BatchWriteItem"])
      expect(may("operator", on(operation, "delivery#1"))).toBe(false);
    const tell = { action: "sqs:SendMessage", on: "RoutingOutcomeQueue" };
    expect([...PEOPLE, "publisher"].filter((who) => may(who, tell))).toEqual(["operator"]);
  });
});
