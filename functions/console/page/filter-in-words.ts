import type { OutcomeFilter } from "../../../shared/domain/deliveries/event-outcome.ts";
import { eachOf } from "../../../shared/domain/text/any-of.ts";
import type { Html } from "../screen.ts";
import { foreignText } from "./parts.ts";

/** What a filter lets through, e.g. `component mailer, customer acme or globex`. */
export function filterInWords(filter: OutcomeFilter): Html {
  const parts = Object.entries(filter).map(([name, values]) => {
    const title = name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
    const wanted = eachOf<string | object>(values).map((value) =>
      typeof value === "string" ? value : JSON.stringify(value),
    );
    return `${title} ${wanted.join(" or ")}`;
  });
  return foreignText(parts.length === 0 ? "everything" : parts.join(", "), 500);
}
