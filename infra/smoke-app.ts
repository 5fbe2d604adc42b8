import { App, Duration, Stack } from "aws-cdk-lib";
import { Architecture, Code, Function as LambdaFunction, Runtime } from "aws-cdk-lib/aws-lambda";
import { VersionRouter } from "./constructs/version-router.ts";
import { VersionedFunction } from "./constructs/versioned-function.ts";

/**
 * The component that `scripts/smoke-aws.ts` sends events to: it takes those of the source `turnout.NAME`, and fails those
 * whose detail says so. `-c name=NAME` is a run's own, and `-c build=N` changes its code, so that the next deployment
 * publishes another version.
 */
const app = new App({ analyticsReporting: false });
const environment = String(app.node.tryGetContext("env") ?? "dev");
const name = String(app.node.tryGetContext("name") ?? "smoke");
const build = String(app.node.tryGetContext("build") ?? "1");
const stack = new Stack(app, `${environment}-${name}`, {
  description: "What Turnout's smoke test routes events to. It is removed when that ends.",
});
const component = new LambdaFunction(stack, "Echo", {
  functionName: `${environment}-${name}`,
  runtime: Runtime.NODEJS_24_X,
  architecture: Architecture.ARM_64,
  handler: "index.handler",
  timeout: Duration.seconds(5),
  code: Code.fromInline(`
exports.handler = async ({ detail, turnout }) => {
  if (detail.failsIn === ${JSON.stringify(build)}) throw new Error("asked to fail");
  return { build: ${JSON.stringify(build)}, key: turnout.idempotencyKey };
};
`),
});
new VersionedFunction(stack, "Component", {
  router: VersionRouter.fromEnvironment(stack, "Router", environment),
  function: component,
  eventPattern: { source: [`turnout.${name}`] },
});
