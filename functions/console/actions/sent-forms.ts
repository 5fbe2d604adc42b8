import type { Done } from "./action.ts";

const MOST_KEPT = 500;

/** What became of the forms that were just sent: one that is sent twice, by a double click, is carried out once. */
export type SentForms = {
  /** Carries out, or answers what that very form did. One that failed may be sent again. */
  once(form: string, carryOut: () => Promise<Done>): Promise<Done>;
  find(form: string): Promise<Done> | undefined;
};

export function sentForms(): SentForms {
  const sent = new Map<string, Promise<Done>>();
  return {
    once(form, carryOut) {
      const before = sent.get(form);
      if (before !== undefined) return before;
      const doing = carryOut();
      sent.set(form, doing);
      doing.catch(() => sent.delete(form));
      for (const [oldest] of sent) if (sent.size > MOST_KEPT) sent.delete(oldest);
      return doing;
    },
    find: (form) => sent.get(form),
  };
}
