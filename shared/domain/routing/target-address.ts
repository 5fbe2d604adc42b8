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

/**
 * How an alias is reached. `worker`: the embedded runtime runs the alias's version in a host, in whatever language it is.
 * `lambda`: the function's alias of the same name is invoked. `http`: the event is posted to the alias's own URL.
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
]);
export type TargetAddress = z.infer<typeof TargetAddress>;

/** The function behind an address, by its ARN without a qualifier. For what is no function it is made up in the same form. */
export function functionArnOf(component: string, address: TargetAddress): string {
  return address.kind === "lambda" ? address.functionArn : `arn:aws:lambda:local:000000000000:function:${component}`;
}
