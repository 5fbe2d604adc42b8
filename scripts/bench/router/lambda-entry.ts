import { SQSClient } from "@aws-sdk/client-sqs";
import { routerHandler } from "../../../functions/router.ts";
import { sqsEventQueue } from "../../../shared/event-queue/sqs-event-queue.ts";
import { awsSettings } from "../../../shared/settings.ts";
import { turnoutPorts } from "./turnout-pipeline.ts";

/** What a deployed router's entry does, and all that it does: settings, clients, handler. Bundled to be weighed. */
const settings = awsSettings(process.env);
const queue = sqsEventQueue({
  client: new SQSClient({ region: settings.region, maxAttempts: 1 }),
  queueUrl: process.env.QUEUE_URL ?? "",
});

export const handler = routerHandler(turnoutPorts(settings, queue));
