import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { LambdaClient } from "@aws-sdk/client-lambda";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Credentials, requestSigner, type SignableRequest } from "../../shared/aws/sign-request.ts";

/** The SDK's signers, with credentials that change. */
let current: Credentials = { accessKeyId: "AKID", secretAccessKey: "secret" };
const base = { region: "eu-west-1", credentials: async () => ({ ...current, expiration: new Date(0) }) };
const sdk = {
  lambda: await new LambdaClient(base).config.signer(),
  dynamodb: await new DynamoDBClient(base).config.signer(),
};
const ours = { lambda: requestSigner("lambda", "eu-west-1"), dynamodb: requestSigner("dynamodb", "eu-west-1") };

const word = fc.string({ unit: "grapheme", minLength: 1 });
const anyRequest: fc.Arbitrary<SignableRequest> = fc.record(
  {
    method: fc.constantFrom("GET", "POST"),
    path: fc
      .array(word.filter((segment) => !/^\.{1,2}$|\//.test(segment)))
      .map((segments) => `/${segments.map(encodeURIComponent).join("/")}`),
    headers: fc
      .dictionary(fc.stringMatching(/^x-[a-z][a-z-]{0,10}$/), fc.stringMatching(/^[ \t!-~]{0,20}$/))
      .map((headers) => ({ ...headers, host: "lambda.eu-west-1.amazonaws.com" })),
    query: fc.dictionary(fc.stringMatching(/^[A-Za-z][ -~é]{0,9}$/), fc.string({ unit: "grapheme" }), {
      noNullPrototype: true,
    }),
    body: fc.oneof(fc.string({ unit: "grapheme" }), fc.uint8Array()),
  },
  { requiredKeys: ["method", "path", "headers"] },
);
const anyCredentials: fc.Arbitrary<Credentials> = fc.record(
  {
    accessKeyId: fc.constantFrom("AKID", "ASIA"),
    secretAccessKey: fc.constantFrom("secret", "another"),
    sessionToken: fc.base64String({ minLength: 4 }),
  },
  { requiredKeys: ["accessKeyId", "secretAccessKey"] },
);
const anyMoment = fc.date({
  min: new Date("2026-01-01T00:00:00Z"),
  max: new Date("2026-01-04T00:00:00Z"),
  noInvalidDate: true,
});

describe("a request's signature", () => {
  it.each(["lambda", "dynamodb"] as const)(
    "is the SDK's own, whatever is sent to %s, by whom and when",
    async (service) => {
      const property = fc.asyncProperty(anyRequest, anyCredentials, anyMoment, async (request, credentials, at) => {
        current = credentials;
        const copy = () => ({ protocol: "https:", hostname: "any", ...request, headers: { ...request.headers } });
        const [theirs, signed] = [copy(), copy()];
        const { headers } = await sdk[service].sign(theirs as never, { signingDate: at });
        ours[service](signed, credentials, at);
        expect(signed.headers).toEqual(headers);
      });
      await fc.assert(property, { numRuns: 500 });
    },
  );
});
