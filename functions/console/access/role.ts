/** What a person may do on the console, beyond looking; the policies of an environment on AWS draw the same lines. */
export type Right = "change the routing" | "move versions" | "replay events";

export type Role = "viewer" | "operator" | "on-call";

const rightsOf: Record<Role, readonly Right[]> = {
  viewer: [],
  operator: ["change the routing", "move versions"],
  "on-call": ["change the routing", "move versions", "replay events"],
};

const roles = Object.keys(rightsOf) as Role[];

/** What AWS doesn't let whoever serves the console do, and why, right by right. */
export type Denied = Readonly<Partial<Record<Right, string>>>;

/** Who is looking: the name goes into the change log with whatever they change. */
export type Visitor = {
  name: string;
  role: Role;
  /** What AWS doesn't let whoever serves the console do, whatever the role. */
  denied?: Denied;
};

function may({ role }: Visitor, right: Right): boolean {
  return rightsOf[role].includes(right);
}

/** Why somebody may not press a button; undefined when they may. */
export function missingRight(visitor: Visitor, right: Right): string | undefined {
  if (may(visitor, right)) return visitor.denied?.[right];
  const others = roles.filter((role) => rightsOf[role].includes(right)).join(" or ");
  return `The role ${visitor.role} may not ${right}; ${others} may.`;
}
