import { readable } from "./granted.ts";

/** As Lambda would set them: a reference by what it refers to. */
export function resolved(variables: Record<string, unknown>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(variables).map(([name, value]) => {
      const text = readable(value);
      if (name.endsWith("_URL")) return [name, `https://sqs.eu-west-1.amazonaws.com/123456789012/${text}`];
      if (name.endsWith("_SIGNER"))
        return [name, `arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/${text}/1`];
      return [name, name.endsWith("_BUCKET") ? text.toLowerCase() : text];
    }),
  );
}
