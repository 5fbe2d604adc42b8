import { setTimeout as delay } from "node:timers/promises";
import { InvokeCommand, LambdaClient, type LambdaClientConfig, ListFunctionsCommand } from "@aws-sdk/client-lambda";
import fc from "fast-check";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { quickLambda } from "../../shared/aws/quick-lambda.ts";
import { type Answer, authorizationOf, awsRecorder } from "../support/aws-recorder.ts";

const ARN = "arn:aws:lambda:eu-west-1:123456789012:function:release-coordinator";
const KEYS = { accessKeyId: "AKID", secretAccessKey: "secret" };

function invocation(about: { FunctionName?: string; Qualifier?: string; Payload?: string } = {}) {
  return new InvokeCommand({ FunctionName: ARN, Qualifier: "beta", Payload: "{}", ...about });
}

/** The SDK's client and a quick one on another client of the same configuration. */
async function clients(about: LambdaClientConfig = {}) {
  const recorder = await awsRecorder();
  const base = { endpoint: recorder.endpoint, region: "eu-west-1", credentials: KEYS, maxAttempts: 1, ...about };
  const [sdk, under] = [new LambdaClient(base), new LambdaClient(base)];
  onTestFinished(() => {
    sdk.destroy();
    under.destroy();
  });
  return { sdk, under, quick: quickLambda(under), ...recorder };
}

/** After the request from which a quick client learns. */
async function learned(about: LambdaClientConfig = {}) {
  const all = await clients(about);
  await all.quick.send(invocation());
  all.requests.splice(0);
  return all;
}

const failure = (sent: Promise<unknown>) =>
  sent.then(
    () => undefined,
    (error: Error & { code?: string; $metadata?: { httpStatusCode?: number } }) => ({
      name: error.name,
      message: error.message.split("\n")[0],
      code: error.code,
      status: error.$metadata?.httpStatusCode,
    }),
  );

describe("a quick client", () => {
  it("lets the SDK send the first request, and sends the next ones by itself, over the same connection", async () => {
    const { quick, requests } = await clients();
    for (let n = 0; n < 3; n++) await quick.send(invocation());
    expect(requests.map((request) => request.quick)).toEqual([false, true, true]);
    expect(new Set(requests.map(({ port }) => port)).size).toBe(1);
    expect(requests[1]?.headers["user-agent"]).toMatch(/aws-sdk-js.*api\/lambda/);
  });

  it("learns nothing from a request that fails", async () => {
    const { quick, requests, answers } = await clients();
    answers({ status: 500 });
    await expect(quick.send(invocation())).rejects.toThrow();
    await quick.send(invocation());
    expect(requests.map((request) => request.quick)).toEqual([false, false]);
  });

  it("leaves every other command to the SDK", async () => {
    const { quick, requests } = await learned();
    await quick.send(new ListFunctionsCommand({}));
    expect(requests.map((request) => request.quick)).toEqual([false]);
  });

  it("leaves everything to the SDK where a process handles several invocations at once", async () => {
    vi.stubEnv("AWS_LAMBDA_MAX_CONCURRENCY", "10");
    onTestFinished(() => void vi.unstubAllEnvs());
    const { quick, requests } = await learned();
    await quick.send(invocation());
    expect(requests.map((request) => request.quick)).toEqual([false]);
  });

  it("signs whatever it sends", async () => {
    let sessionToken: string | undefined;
    const credentials = async () => ({ ...KEYS, ...(sessionToken && { sessionToken }), expiration: new Date(0) });
    const { quick, requests } = await learned({ credentials });
    const anything = fc.record({
      FunctionName: fc.stringMatching(/^arn:aws(-cn)?:lambda:eu-west-1:\d{12}:function:[\w-]{1,64}$/),
      Qualifier: fc.stringMatching(/^[\w$-]{1,30}$/),
      Payload: fc.string({ unit: "grapheme" }),
      token: fc.option(fc.base64String({ minLength: 1 }), { nil: undefined }),
    });
    const property = fc.asyncProperty(anything, async ({ token, ...about }) => {
      sessionToken = token;
      await quick.send(invocation(about));
      const sent = requests.at(-1);
      if (sent === undefined) throw new Error("nothing was sent");
      expect(sent.quick).toBe(true);
      expect(sent.body.toString()).toBe(about.Payload);
      expect(sent.headers["x-amz-security-token"]).toBe(token);
      expect(sent.headers.authorization).toBe(authorizationOf(sent, KEYS.accessKeyId, KEYS.secretAccessKey));
    });
    await fc.assert(property, { numRuns: 200 });
  });

  it("sends what the SDK sends, and reads answers as the SDK does", async () => {
    const { sdk, quick, requests, answers } = await learned();
    const headers = { "x-amz-executed-version": "7", "x-amz-function-error": "Handled", "x-amzn-requestid": "r-1" };
    const answer = { headers: { ...headers, "x-amz-log-result": "bG9n" }, body: '"no"' };
    answers(answer, answer);
    const [theirs, ours] = [await sdk.send(invocation()), await quick.send(invocation())];
    expect(ours.Payload?.transformToString()).toBe(theirs.Payload?.transformToString());
    // There are no attempts to count.
    const { attempts: _attempts, totalRetryDelay: _delay, ...$metadata } = theirs.$metadata;
    expect({ ...ours, Payload: undefined }).toEqual({ ...theirs, Payload: undefined, $metadata });
    const [one, other] = requests;
    expect(other?.path).toBe(one?.path);
    expect(other?.body).toEqual(one?.body);
    const { authorization: _, "x-amz-date": __, ...sent } = other?.headers ?? {};
    expect(one?.headers).toMatchObject(sent);
  });

  it("tells Lambda which trace a request belongs to, as the SDK does", async () => {
    vi.stubEnv("AWS_LAMBDA_FUNCTION_NAME", "router");
    onTestFinished(() => void vi.unstubAllEnvs());
    const { sdk, quick, requests } = await learned();
    for (const trace of ["Root=1;Lineage=a", "Root=2;Lineage=b"]) {
      vi.stubEnv("_X_AMZN_TRACE_ID", trace);
      await sdk.send(invocation());
      await quick.send(invocation());
      expect(requests.splice(0).map(({ headers }) => headers["x-amzn-trace-id"])).toEqual([trace, trace]);
    }
  });

  const lambdaError = (status: number, type: string): Answer => ({
    status,
    headers: { "x-amzn-errortype": type, "content-type": "application/json" },
    body: '{"Type":"User","Message":"injected"}',
  });

  it.each<[string, Answer]>([
    ["an error of the service", lambdaError(429, "TooManyRequestsException")],
    ["its type with a namespace", lambdaError(404, "com.amazonaws#ResourceNotFoundException:http://internal/")],
    ["an error that the SDK doesn't know", lambdaError(418, "TeapotException")],
    ["a type in the body", { status: 400, body: '{"__type":"a.b#ThrottlingException","message":"slow down"}' }],
    ["a status alone", { status: 503, body: "" }],
    ["no JSON", { status: 502, body: "<html>Bad Gateway</html>" }],
    ["no access", lambdaError(403, "AccessDeniedException")],
    ["a cut connection", "cut"],
    ["half of an answer", "half"],
  ])("fails as the SDK does after %s", async (_, answer) => {
    const { sdk, quick, requests, answers } = await learned();
    answers(answer, answer);
    const failures = [await failure(sdk.send(invocation())), await failure(quick.send(invocation()))];
    expect(failures[0]).toBeDefined();
    expect(failures[1]).toEqual(failures[0]);
    expect(requests.map((request) => request.quick)).toEqual([false, true]);
  });

  it("fails as the SDK does when an answer is too long in coming, or nobody waits for it any more", async () => {
    const requestHandler = { requestTimeout: 200, throwOnRequestTimeout: true };
    const { sdk, quick, answers } = await learned({ requestHandler });
    answers("silence", "silence", "silence", "silence");
    const failures = [await failure(sdk.send(invocation())), await failure(quick.send(invocation()))];
    expect(failures[1]).toMatchObject({ name: "TimeoutError", code: "ETIMEDOUT", message: "no answer within 200 ms" });
    expect({ ...failures[1], message: undefined }).toEqual({ ...failures[0], message: undefined });
    const abort = async (send: typeof quick.send) => {
      const controller = new AbortController();
      const failed = failure(send(invocation(), { abortSignal: controller.signal }));
      await delay(50);
      controller.abort();
      return failed;
    };
    expect(await abort(quick.send)).toEqual(await abort(sdk.send.bind(sdk)));
    expect(await failure(quick.send(invocation(), { abortSignal: AbortSignal.abort() }))).toMatchObject({
      name: "AbortError",
    });
  });

  it("lets the SDK make a request again whose signature was refused, with the server's time", async () => {
    const { quick, under, requests, answers } = await learned();
    const ahead = new Date(Date.now() + 3_600_000);
    const refusal = lambdaError(403, "InvalidSignatureException") as {
      status: number;
      headers: Record<string, string>;
    };
    answers({ ...refusal, headers: { ...refusal.headers, date: ahead.toUTCString() } });
    await quick.send(invocation());
    expect(requests.map((request) => request.quick)).toEqual([true, false]);
    const hours = requests.map(({ headers }) => String(headers["x-amz-date"]).slice(0, 11));
    expect(hours[1]).not.toBe(hours[0]);
    expect(under.config.systemClockOffset).toBeLessThan(3_600_000);
    await quick.send(invocation());
    expect(requests.at(-1)?.quick).toBe(true);
  });
});
