import * as z from "zod/mini";

/** A Lambda function's ARN without a version or alias: the component's alias is the qualifier. */
const FunctionArn = z
  .string()
  .check(
    z.regex(
      /^arn:aws[a-z-]*:lambda:[a-z]{2}(-[a-z]+)+-\d+:\d{12}:function:[\w-]{1,64}$/,
      "expected a function's ARN without a qualifier, such as arn:aws:lambda:eu-west-1:123456789012:function:name",
    ),
  );

/**
 * Where a secret is kept, never the secret itself: a variable of the server's environment, whose name begins with
 * `TURNOUT_SECRET_`, or a secret of AWS Secrets Manager by its ARN.
 */
const SecretName = z
  .string()
  .check(
    z.regex(
      /^(TURNOUT_SECRET_[A-Z0-9_]{1,100}|arn:aws[a-z-]*:secretsmanager:[a-z]{2}(-[a-z]+)+-\d+:\d{12}:secret:[\w/+=.@-]{1,512})$/,
      "expected the name of a variable that begins with TURNOUT_SECRET_, or a secret's ARN, and not the secret itself",
    ),
  );

const HttpUrl = z
  .string()
  .check(
    z.maxLength(2_048),
    z.refine(
      isHttpUrl,
      "expected a URL such as https://preview.example.com/events, without user, password and fragment",
    ),
  );

function isHttpUrl(text: string): boolean {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url?.protocol !== "https:" && url?.protocol !== "http:") return false;
  return url.username === "" && url.password === "" && url.hash === "" && !text.includes("#");
}

const HttpAddress = z
  .strictObject({
    kind: z.literal("http"),
    url: HttpUrl,
    /**
     * `published`: the event as it was published, with the `turnout` field. `binary` and `structured`: a CloudEvent in
     * that mode of the HTTP binding.
     */
    format: z._default(z.enum(["published", "binary", "structured"]), "published"),
    /**
     * Requests are signed by Standard Webhooks with each of these secrets: while one is being replaced, the receiver
     * takes either. A secret may itself be several, with spaces between them.
     */
    secrets: z.optional(z.array(SecretName).check(z.minLength(1), z.maxLength(4))),
    /** Also addresses of private networks and this machine, and http: without TLS. */
    private: z.optional(z.boolean()),
  })
  .check(
    z.refine(({ url, private: isPrivate }) => isPrivate === true || !url.startsWith("http:"), {
      error: 'without TLS only addresses of private networks are reached: say https:, or "private": true',
      path: ["url"],
    }),
  );
export type HttpAddress = z.infer<typeof HttpAddress>;

const REGION = "[a-z]{2}(-[a-z]+)+-\\d+";

/** An ARN of a service, of which `resource` says how its last part looks. */
function arnOf(service: string, resource: string, expected: string) {
  return z
    .string()
    .check(z.regex(new RegExp(`^arn:aws[a-z-]*:${service}:${REGION}:\\d{12}:${resource}$`), `expected ${expected}`));
}

const SqsAddress = z.strictObject({
  kind: z.literal("sqs"),
  queueArn: arnOf(
    "sqs",
    "(?=.{1,80}$)[\\w-]+(\\.fifo)?",
    "a queue's ARN, such as arn:aws:sqs:eu-west-1:123456789012:orders",
  ),
});
export type SqsAddress = z.infer<typeof SqsAddress>;

const StepFunctionsAddress = z.strictObject({
  kind: z.literal("step-functions"),
  /** Of a version or an alias: without either, what is behind it would change unseen. */
  stateMachineArn: arnOf(
    "states",
    "stateMachine:[\\w-]{1,80}:[\\w.-]{1,80}",
    "the ARN of a state machine's version or alias, such as arn:aws:states:eu-west-1:123456789012:stateMachine:name:7",
  ),
});
export type StepFunctionsAddress = z.infer<typeof StepFunctionsAddress>;

const EcsAddress = z.strictObject({
  kind: z.literal("ecs"),
  clusterArn: arnOf(
    "ecs",
    "cluster/[\\w-]{1,255}",
    "a cluster's ARN, such as arn:aws:ecs:eu-west-1:123456789012:cluster/builds",
  ),
  /** `family:revision`, of the cluster's own account and region. */
  taskDefinition: z
    .string()
    .check(
      z.regex(/^[\w-]{1,255}:[1-9]\d{0,9}$/, "expected a task definition's family and revision, such as builder:7"),
    ),
  /** The container that is given the event, and whose exit code says what became of it. */
  container: z.string().check(z.regex(/^[\w-]{1,36}$/, "expected a container's name, of up to 36 characters")),
  /** Default: the cluster's own strategy of capacity providers. */
  launchType: z.optional(z.enum(["FARGATE", "EC2"])),
  /** Of a task definition with network mode `awsvpc`, as on Fargate: where its tasks are. */
  network: z.optional(
    z.strictObject({
      subnets: z.array(z.string().check(z.minLength(1))).check(z.minLength(1), z.maxLength(16)),
      securityGroups: z.optional(z.array(z.string().check(z.minLength(1))).check(z.maxLength(5))),
      publicIp: z.optional(z.boolean()),
    }),
  ),
});
export type EcsAddress = z.infer<typeof EcsAddress>;

/**
 * How an alias is reached. `worker`: the embedded runtime runs the alias's version in a host, in whatever language it is.
 * `lambda`: the function's alias of the same name is invoked. `http`: the event is posted to the alias's own URL. `sqs`: it
 * is put into the alias's own queue. `step-functions`: an execution is started with it. `ecs`: a task is run with it.
 * `laptop`: it waits for whoever holds the alias's lease, and is run there (`turnout listen`).
 */
export const TargetAddress = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("worker") }),
  z.strictObject({
    kind: z.literal("lambda"),
    functionArn: FunctionArn,
    /**
     * For a function with tenant isolation: whose id is its tenant id. An event without such a subject, or with an id
     * that Lambda doesn't take, is dead.
     */
    tenant: z.optional(z.enum(["customer", "project"])),
  }),
  HttpAddress,
  SqsAddress,
  StepFunctionsAddress,
  EcsAddress,
  z.strictObject({ kind: z.literal("laptop") }),
]);
export type TargetAddress = z.infer<typeof TargetAddress>;

/** What each alias has of its own, where its address alone says what is behind it; undefined where versions are published. */
export function ownPlaceOf({ kind }: TargetAddress): string | undefined {
  const places: { [kind in TargetAddress["kind"]]?: string } = {
    http: "URL",
    sqs: "queue",
    "step-functions": "state machine",
    ecs: "task definition",
    laptop: "laptop",
  };
  return places[kind];
}

/** What can be reached from this machine, and what from AWS. */
export const REACHED: Readonly<Record<"this machine" | "AWS", ReadonlySet<TargetAddress["kind"]>>> = {
  "this machine": new Set(["worker", "http", "laptop"]),
  AWS: new Set(["lambda", "http", "laptop", "sqs", "step-functions", "ecs"]),
};

/**
 * Who an attempt is handed to, by an ARN without a qualifier. For what has none it is made up, as if it were a function
 * of the component's name.
 */
export function arnBehind(component: string, address: TargetAddress): string {
  switch (address.kind) {
    case "lambda":
      return address.functionArn;
    case "step-functions":
      return address.stateMachineArn.split(":", 7).join(":");
    case "ecs":
      return taskDefinitionArn(address).replace(/:\d+$/, "");
    case "sqs":
      return address.queueArn;
    default:
      return `arn:aws:lambda:local:000000000000:function:${component}`;
  }
}

export function taskDefinitionArn({ clusterArn, taskDefinition }: EcsAddress): string {
  return `${clusterArn.split(":", 5).join(":")}:task-definition/${taskDefinition}`;
}
