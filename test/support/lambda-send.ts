/** A synchronous send to an alias of a function, which may begin at any time. */
export function aLambdaSend(functionArn: string, alias: string) {
  return {
    component: "release-coordinator",
    alias,
    address: { kind: "lambda" as const, functionArn },
    invocation: { kind: "sync" as const },
    subject: {},
    worker: { concurrency: 1, memoryMb: 128, environment: {} },
    payload: "{}",
    idempotencyKey: "key-1",
    lapses: 0,
    requestId: "request-1",
    timeoutMs: 30_000,
    latestStart: new Date("2100-01-01"),
  };
}
