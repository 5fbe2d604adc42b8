export type ProblemKind =
  | "lost"
  | "misrouted"
  | "stuck"
  | "two runs at the same time"
  | "attempt went back"
  | "duplicate effect"
  | "another payload ran"
  | "too many attempts"
  | "ran after success"
  | "wrong outcome shown"
  | "no effect"
  | "not replayed"
  | "replayed wrongly"
  | "replayed after it was stopped"
  | "made good, and sent again"
  | "out of order"
  | "miscounted"
  | "surprise";

/** Something that must not be. `at` is the true time, where there is one. */
export type Problem = { kind: ProblemKind; text: string; at?: number };
