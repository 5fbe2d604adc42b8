import { type App, Duration, Stack } from "aws-cdk-lib";
import { EventBus } from "aws-cdk-lib/aws-events";
import { Code, Function as LambdaFunction, Runtime } from "aws-cdk-lib/aws-lambda";
import { Topic } from "aws-cdk-lib/aws-sns";
import { expect, it } from "vitest";
import { urlTarget } from "../../infra/constructs/component-targets.ts";
import { RoutedComponent, type RoutedComponentProps } from "../../infra/constructs/routed-component.ts";
import { sampleBuilderStack } from "../../infra/constructs/sample-builder.ts";
import { VersionRouter } from "../../infra/constructs/version-router.ts";
import { VersionedFunction } from "../../infra/constructs/versioned-function.ts";
import { environmentSettings } from "../../infra/environments.ts";
import { addStacks } from "../../infra/stacks.ts";
import { HOSTING } from "../support/hosted-console.ts";
import { aQueue, aStateMachine, aTask } from "./routed-targets.ts";
import { anApp } from "./synthesized.ts";

const eventPattern = { source: ["shop"] };

const routed: Record<string, (stack: Stack) => RoutedComponentProps["targets"]> = {
  queue: aQueue,
  "state-machine": aStateMachine,
  task: aTask,
  url: () => ({ stable: urlTarget({ url: "https://preview.example.com/events" }) }),
};

/** What is made of CloudFormation, by what it is. */
const made: [what: string, add: (app: App) => void][] = [
  ["an environment", (app) => addStacks(app, "dev")],
  [
    "a protected environment with a hosted console",
    (app) => addStacks(app, "prod", { settings: { ...environmentSettings("prod"), console: HOSTING } }),
  ],
  ["a router in somebody's own stack, with a component beside it", addRouter],
  ["a component of an environment, whose function is asynchronous", addFunction],
  ["the sample builder", (app) => void sampleBuilderStack(app, "dev")],
  ...Object.entries(routed).map(([kind, targetsIn]): [string, (app: App) => void] => [
    `a component that is a ${kind}`,
    (app) => addRouted(app, kind, targetsIn),
  ]),
];

it.each(made)("%s is what CloudFormation takes, by its own rules", (_, add) => {
  const app = anApp({ isValidated: true });
  add(app);
  expect(app.synth().stacks.length).toBeGreaterThan(0);
});

function aFunction(stack: Stack): LambdaFunction {
  return new LambdaFunction(stack, "Mailer", {
    functionName: "dev-shop-mailer",
    runtime: Runtime.NODEJS_24_X,
    handler: "index.handler",
    code: Code.fromInline("exports.handler = async () => {}"),
  });
}

function addRouter(app: App): void {
  const stack = new Stack(app, "mine");
  const router = new VersionRouter(stack, "Turnout", {
    environment: "dev",
    eventBus: EventBus.fromEventBusName(stack, "Bus", "company"),
    replayers: 3,
    alarmTopic: new Topic(stack, "Alarms"),
  });
  new VersionedFunction(stack, "Component", { router, function: aFunction(stack), eventPattern });
}

function addFunction(app: App): void {
  const stack = new Stack(app, "dev-shop");
  const router = VersionRouter.fromEnvironment(stack, "Turnout", "dev");
  const asyncWithin = Duration.hours(2);
  new VersionedFunction(stack, "Component", { router, function: aFunction(stack), eventPattern, asyncWithin });
}

function addRouted(app: App, kind: string, targetsIn: (stack: Stack) => RoutedComponentProps["targets"]): void {
  const stack = new Stack(app, `dev-${kind}`);
  new RoutedComponent(stack, "Component", {
    router: VersionRouter.fromEnvironment(stack, "Turnout", "dev"),
    componentName: "shop-mailer",
    eventPattern,
    targets: targetsIn(stack),
    asyncWithin: Duration.hours(1),
  });
}
