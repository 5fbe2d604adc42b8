import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { DynamoDBClient, DynamoDBServiceException, GetItemCommand } from "@aws-sdk/client-dynamodb";
import { expect, it } from "vitest";
import { withoutErrorClasses, withPlainKeys } from "../../infra/constructs/lean-sdk.ts";
import { stubServer } from "../support/stub-server.ts";

it("withPlainKeys puts the texts of constants in the place of computed keys, and leaves every other key alone", () => {
  const source =
    'const _h = "http";\nvar other = "x";\nexport var A$ = [9, n0, _h, { [_h]: ["GET"], [other]: 2, h: [_h] }];\n';
  expect(withPlainKeys(source)).toBe(source.replace("[_h]:", '"http":'));
});

it("withPlainKeys finds the computed keys of the client for Lambda as it is installed, and all of them", () => {
  const source = schemasOf("client-lambda");
  const computed = /\[_\w+\]:/g;
  expect(source.match(computed)?.length).toBeGreaterThan(100);
  expect(withPlainKeys(source).match(computed)).toBeNull();
});

it("withoutErrorClasses leaves of each client's errors those that are asked for, and those with two names", () => {
  const kept = ["client-lambda", "client-dynamodb", "client-sqs"].map((client) => {
    const source = withoutErrorClasses(withPlainKeys(schemasOf(client)));
    return [...source.matchAll(/registerError\(\w+\$, (\w+)\)/g)].map(([, name]) => name);
  });
  expect(kept[0]).toEqual(["LambdaServiceException"]);
  expect(kept[1]).toEqual(["DynamoDBServiceException", "ThrottlingException", "TransactionCanceledException"]);
  expect(kept[2]).toContain("QueueDoesNotExist");
});

it("a client of the SDK makes of an error without a class one of its service, with its name and what it says", async () => {
  const body = JSON.stringify({ __type: "com.amazonaws.dynamodb.v20120810#NeverHeardOf", message: "no" });
  const endpoint = await stubServer((_, response) => void response.writeHead(400).end(body));
  const credentials = { accessKeyId: "x", secretAccessKey: "x" };
  const client = new DynamoDBClient({ region: "eu-west-1", endpoint, credentials });
  const error = await client.send(new GetItemCommand({ TableName: "t", Key: {} })).catch((thrown: unknown) => thrown);
  client.destroy();
  expect(error).toBeInstanceOf(DynamoDBServiceException);
  expect(error).toMatchObject({ name: "NeverHeardOf", message: "no", $metadata: { httpStatusCode: 400 } });
});

function schemasOf(client: string): string {
  const description = fileURLToPath(import.meta.resolve(`@aws-sdk/${client}/package.json`));
  return readFileSync(description.replace("package.json", "dist-es/schemas/schemas_0.js"), "utf8");
}
