import { App } from "aws-cdk-lib";
import { addStacks } from "./stacks.ts";

const app = new App({ analyticsReporting: false });
const contextOf = (key: string): string | undefined => app.node.tryGetContext(key);
addStacks(app, contextOf("env") ?? "dev", {
  application: contextOf("application"),
  isFirstDeployment: contextOf("first") === "true",
});
