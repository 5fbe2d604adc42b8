import { describe, expect, it } from "vitest";
import { explainAwsError } from "../../shared/aws/explain-error.ts";
import { TurnoutError } from "../../shared/domain/errors.ts";

function named(name: string, message = "", about: object = {}): Error {
  return Object.assign(new Error(message), { name, ...about });
}

describe("what a person is told of AWS's errors", () => {
  it.each([
    [named("CredentialsProviderError", "Could not load credentials from any providers"), /No AWS credentials/],
    [
      named("CredentialsProviderError", "The SSO session associated with this profile has expired."),
      /session has expired/,
    ],
    [
      named("TokenProviderError", "Token is expired. To refresh this SSO session run 'aws sso login'"),
      /session has expired/,
    ],
    [named("ExpiredToken", "The provided token has expired."), /session has expired.*aws sso login/],
    [named("InvalidClientTokenId", "The security token is invalid."), /doesn't know these credentials in eu-west-1/],
    [named("SignatureDoesNotMatch", "Signature not yet current"), /signature.*clock/],
    [
      named(
        "AccessDenied",
        'User: arn:aws:iam::123456789012:user/ada is not authorized to perform: s3:PutObject on resource: "x" because',
      ),
      /user\/ada may not do s3:PutObject on "x"\. Ask .* for s3:PutObject/,
    ],
    [named("AccessDenied", "Access Denied"), /doesn't allow this \(Access Denied\)/],
  ])("%o is not allowed", (error, message) => {
    expect(explainAwsError(error, "eu-west-1")).toMatchObject({ kind: "not allowed", message, cause: error });
  });

  it.each([
    [named("ThrottlingException", "Rate exceeded", { $metadata: { attempts: 4 } }), /turned the request away 4 times/],
    [
      named("Error", "getaddrinfo ENOTFOUND ssm.eu-moon-1.amazonaws.com", { code: "ENOTFOUND" }),
      /can't be reached.*AWS_REGION/,
    ],
    [named("TimeoutError", "socket timed out"), /can't be reached/],
  ])("%o is a failure", (error, message) => {
    expect(explainAwsError(error, "eu-west-1")).toMatchObject({ kind: "failed", message });
  });

  it("a region that isn't set is a usage error", () => {
    expect(explainAwsError(new Error("Region is missing"), "")).toMatchObject({ kind: "usage", message: /AWS_REGION/ });
  });

  it.each([
    [new TurnoutError("conflict", "told already")],
    [new TypeError("a bug")],
    ["no error"],
    [named("ResourceNotFoundException")],
  ])("says nothing of %o", (error) => {
    expect(explainAwsError(error, "eu-west-1")).toBeUndefined();
  });
});
