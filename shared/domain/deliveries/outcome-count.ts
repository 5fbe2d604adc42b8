/** What is counted of deliveries; the words are those of `DeliveryReport`. */
export const countedOutcomes = [
  "done",
  "accepted",
  "failed",
  "dead",
  "postponed",
  "duplicate",
  "redelivered",
  "rejected",
] as const;
export type CountedOutcome = (typeof countedOutcomes)[number];
