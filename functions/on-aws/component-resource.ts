import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { awsCatalog } from "../../shared/aws-dependencies.ts";
import { lambdaVersionCatalog } from "../../shared/versions/lambda-version-catalog.ts";
import { onComponentResource } from "../component-resource.ts";
import { customResourceHandler } from "../custom-resource.ts";
import { functionPorts, onError } from "./function-ports.ts";

const { settings, aws, now } = functionPorts();
const { client } = awsCatalog(settings, aws.routingTable);
const ports = {
  table: aws.routingTable,
  events: aws.events,
  catalogOf: (functionArn: string) => lambdaVersionCatalog({ client, functionOf: async () => functionArn }),
  now,
  newId: randomUUID,
  delay: (ms: number) => delay(ms),
};

/** Called by CloudFormation for each component that a stack deploys. */
export const handler = customResourceHandler({
  idOf: ({ name }) => String(name),
  work: (event) => onComponentResource(ports, event),
  onError,
});
