import { signingKeys } from "./webhook-signature.ts";

/** The text of a secret, by a variable's name or an ARN. @throws Error when there is none */
export type SecretText = (name: string) => Promise<string>;

/** How long a secret from elsewhere is used before it is asked for again: so long a rotation may take until it is noticed. */
const KEEP_MS = 300_000;

/** After a failed look a secret that is known is used on; this is how soon it is asked for again. */
const AGAIN_MS = 10_000;

export type SigningSecrets = (names: readonly string[]) => Promise<Buffer[]>;

/** Remembers secrets for a while. @throws Error that names the secret, and never tells it */
export function signingSecrets(textOf: SecretText, now: () => Date): SigningSecrets {
  const known = new Map<string, { keys: Promise<Buffer[]>; until: number }>();

  function keysOf(name: string): Promise<Buffer[]> {
    const last = known.get(name);
    const atMs = now().getTime();
    if (last !== undefined && atMs < last.until) return last.keys;
    const keys = textOf(name)
      .then(signingKeys)
      .catch((error: unknown) => {
        known.set(name, { keys, until: now().getTime() + AGAIN_MS });
        if (last !== undefined) return last.keys;
        known.delete(name);
        throw new Error(`the secret ${name} can't be had: ${error instanceof Error ? error.message : String(error)}`);
      });
    known.set(name, { keys, until: atMs + KEEP_MS });
    return keys;
  }

  return async (names) => (await Promise.all(names.map(keysOf))).flat();
}

/** Secrets that stand in the environment, a variable each. */
export function environmentSecret(environment: Record<string, string | undefined>): SecretText {
  return async (name) => {
    const text = environment[name];
    if (text !== undefined) return text;
    throw new Error(
      name.startsWith("arn:")
        ? "secrets of AWS Secrets Manager are for environments on AWS; here name a variable, TURNOUT_SECRET_…"
        : "there is no such variable in the server's environment",
    );
  };
}
