import type { Visitor } from "./role.ts";

/** Who sends a request, or why nobody knows: what a person is told who has to sign in first, or may not come in. */
export type Identified = { visitor: Visitor } | { signIn: string } | { refused: string; status: 403 | 503 };

/** A way to sign in: by a token embedded and on loopback, by a load balancer's claims where it is hosted. */
export type Identify = {
  /** @param now for what has a time limit */
  identify(request: Request, now: Date): Promise<Identified>;
  /** Exchanges what stands in an address for the headers that keep it; undefined when it isn't good. */
  exchange?(request: Request, now: Date): Promise<Headers | undefined>;
};
