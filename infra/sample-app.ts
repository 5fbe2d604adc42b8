import { App } from "aws-cdk-lib";
import { sampleBuilderStack } from "./constructs/sample-builder.ts";

/** The sample `builder` on an environment that is there: `npx cdk --app "node infra/sample-app.ts" deploy -c env=dev`. */
const app = new App({ analyticsReporting: false });
sampleBuilderStack(app, String(app.node.tryGetContext("env") ?? "dev"));
