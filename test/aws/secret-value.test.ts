import { expect, it } from "vitest";
import { secretValue } from "../../shared/aws/secret-value.ts";
import { stubServer } from "../support/stub-server.ts";

const ARN = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:turnout/preview-AbCdEf";

/** Asks a server that speaks as Secrets Manager does. */
async function ask(status: number, answer: string) {
  const asked: unknown[] = [];
  const endpoint = await stubServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    asked.push({
      ...request.headers,
      method: request.method,
      url: request.url,
      body: Buffer.concat(chunks).toString(),
    });
    response.writeHead(status, { "content-type": "application/x-amz-json-1.1" }).end(answer);
  });
  const credentials = async () => ({ accessKeyId: "id", secretAccessKey: "key", sessionToken: "token" });
  return { text: secretValue(ARN, { credentials, endpoint }), asked };
}

it("secretValue asks for the secret by its ARN, with a signature for its region", async () => {
  const { text, asked } = await ask(200, '{"SecretString":"whsec_x"}');
  expect(await text).toBe("whsec_x");
  expect(asked).toMatchObject([
    {
      method: "POST",
      url: "/",
      body: JSON.stringify({ SecretId: ARN }),
      "x-amz-target": "secretsmanager.GetSecretValue",
      "x-amz-security-token": "token",
      authorization: expect.stringMatching(
        /^AWS4-HMAC-SHA256 Credential=id\/\d{8}\/eu-west-1\/secretsmanager\/aws4_request, SignedHeaders=content-type;host;/,
      ),
    },
  ]);
});

it.each([
  [400, '{"__type":"com.amazonaws#ResourceNotFoundException","Message":"no"}', /ResourceNotFoundException: no$/],
  [400, '{"__type":"AccessDeniedException","message":"not you"}', /AccessDeniedException: not you$/],
  [500, "<html>", /status 500: no message$/],
  [200, '{"SecretBinary":"eA=="}', /^it isn't text$/],
  [200, "null", /^it isn't text$/],
])("secretValue fails on %i %s", async (status, answer, message) => {
  await expect((await ask(status, answer)).text).rejects.toThrow(message);
});
