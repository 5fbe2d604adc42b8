import { setTimeout as delay } from "node:timers/promises";
import type { JsonService } from "./aws/json-request.ts";
import type { Credentials } from "./aws/sign-request.ts";
import type { LaptopStore } from "./laptop-store/laptop-store.ts";
import type { AskFor } from "./targets/aws-calls.ts";
import type { Target } from "./targets/target.ts";
import { onFirstUse } from "./targets/target-by-kind.ts";

/** What the targets on AWS beside Lambda need. */
export type AboutTargets = {
  credentials: () => Promise<Credentials>;
  region: string;
  /** Where events are kept that are too large for a task's environment. */
  bodyBucket: string;
  /** Where events wait for laptops. */
  laptops: LaptopStore;
};

const SQS: JsonService = { name: "sqs", target: "AmazonSQS", version: "1.0" };
const STEP_FUNCTIONS: JsonService = { name: "states", target: "AWSStepFunctions", version: "1.0" };
const ECS: JsonService = { name: "ecs", target: "AmazonEC2ContainerServiceV20141113", version: "1.1" };

const now = () => new Date();

/** The services that targets on AWS beside Lambda are, each by the region that an ARN names. */
export function targetServices(about: Pick<AboutTargets, "credentials">) {
  return {
    sqs: () => askers(SQS, "AWS_ENDPOINT_URL_SQS", about),
    "step-functions": () => askers(STEP_FUNCTIONS, "AWS_ENDPOINT_URL_SFN", about),
    ecs: () => askers(ECS, "AWS_ENDPOINT_URL_ECS", about),
  };
}

/** Targets whose code is loaded by the first event for one: a router without such a component pays nothing for them. */
export function targetsOnFirstUse(about: AboutTargets) {
  const services = targetServices(about);
  return {
    http: onFirstUse(() => openHttp(about)),
    sqs: onFirstUse(async () => {
      const { sqsTarget } = await import("./targets/sqs-target.ts");
      return sqsTarget({ askFor: await services.sqs(), now });
    }),
    "step-functions": onFirstUse(async () => {
      const { stepFunctionsTarget } = await import("./targets/step-functions-target.ts");
      return stepFunctionsTarget({ askFor: await services["step-functions"](), now, delay });
    }),
    laptop: onFirstUse(async () => {
      const { laptopTarget } = await import("./targets/laptop-target.ts");
      return laptopTarget({ laptops: about.laptops, now });
    }),
    ecs: onFirstUse(async () => {
      const { ecsTarget } = await import("./targets/ecs-target.ts");
      const askFor = await services.ecs();
      return ecsTarget({ askFor, keep: (key, payload) => keepHanded(about, key, payload), now, delay });
    }),
  };
}

/** A service by the region that an ARN names: it needn't be the router's own. */
async function askers(
  service: JsonService,
  variable: string,
  { credentials }: Pick<AboutTargets, "credentials">,
): Promise<AskFor> {
  const { jsonRequest } = await import("./aws/json-request.ts");
  const endpoint = process.env[variable] ?? process.env.AWS_ENDPOINT_URL;
  const known = new Map<string, ReturnType<AskFor>>();
  return (arn) => {
    const [, partition = "aws", , region = ""] = arn.split(":");
    const asker = known.get(region) ?? jsonRequest(service, { credentials, endpoint, partition, region });
    known.set(region, asker);
    return asker;
  };
}

async function openHttp({ credentials }: AboutTargets): Promise<Target> {
  const [{ httpTarget }, { environmentSecret }, { secretValue }] = await Promise.all([
    import("./targets/http/http-target.ts"),
    import("./targets/http/signing-secrets.ts"),
    import("./aws/secret-value.ts"),
  ]);
  const inEnvironment = environmentSecret(process.env);
  const reading = { credentials, endpoint: process.env.AWS_ENDPOINT_URL_SECRETS_MANAGER };
  const secretText = (name: string) => (name.startsWith("arn:") ? secretValue(name, reading) : inEnvironment(name));
  return httpTarget({ now, secretText }).send;
}

/** Apart from the bodies that events are stored with: the bucket's own rule removes it, when no task can need it any more. */
async function keepHanded({ region, bodyBucket }: AboutTargets, name: string, payload: string): Promise<string> {
  const { PutObjectCommand, S3Client } = await import("@aws-sdk/client-s3");
  const client = new S3Client({ region, maxAttempts: 3, requestHandler: { requestTimeout: 10_000 } });
  const Key = `handed/${name}`;
  try {
    await client.send(
      new PutObjectCommand({ Bucket: bodyBucket, Key, Body: payload, ContentType: "application/json" }),
    );
  } finally {
    client.destroy();
  }
  return `s3://${bodyBucket}/${Key}`;
}
