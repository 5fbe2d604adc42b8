import { powertoolsHandler } from "./powertools-pipeline.ts";

/** The plain router's parts, and Powertools' batch and idempotency besides. */
export { handler as plain } from "./plain-entry.ts";

export const handler = powertoolsHandler({
  tableName: process.env.TURNOUT_ROUTING_TABLE ?? "",
  functionArn: process.env.FUNCTION ?? "",
  region: process.env.AWS_REGION ?? "",
});
