import { once } from "node:events";
import { createServer } from "node:http";
import type { TestProject } from "vitest/node";
import { type DynamoDBLocal, startDynamoDBLocal } from "../../scripts/bench/dynamodb-local.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Answers a GET with the endpoint of the run's one DynamoDB Local, or with 501 when there is no Java. */
    dynamodbLauncher: string;
  }
}

/** One DynamoDB Local for the whole run, started when the first test file asks for it: most runs don't. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  let starting: Promise<DynamoDBLocal | undefined> | undefined;
  const launcher = createServer((_, response) => {
    starting ??= startDynamoDBLocal();
    starting.then(
      (local) => response.writeHead(local === undefined ? 501 : 200).end(local?.endpoint),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  });
  // A file asks on the connection of the one before it, which Node would close in between.
  launcher.keepAliveTimeout = 0;
  launcher.listen(0, "127.0.0.1");
  await once(launcher, "listening");
  const address = launcher.address();
  if (address === null || typeof address === "string") throw new Error("the launcher has no port");
  project.provide("dynamodbLauncher", `http://127.0.0.1:${address.port}`);
  return async () => {
    launcher.closeAllConnections();
    launcher.close();
    const local = await starting;
    await local?.stop();
  };
}
