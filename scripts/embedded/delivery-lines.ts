import { styleText } from "node:util";
import type { DeliveryReport } from "../../shared/domain/deliveries/delivery-report.ts";
import { printable } from "../../shared/domain/text/printable.ts";
import { deliveryErrorText } from "../../shared/installation/wording/delivery-error-text.ts";

/** Most lines printed in one second; beyond that they are counted, so that a flood stays readable and cheap. */
const LINES_PER_SECOND = 40;

/** Outcomes that say nothing of what went where. */
const QUIET: ReadonlySet<DeliveryReport["outcome"]> = new Set(["unmatched", "postponed", "redelivered"]);

/** Prints what went where, a line per delivery. Events that no component listens to are counted, not printed. */
export function deliveryLines(print: (line: string) => void) {
  let second = 0;
  let printed = 0;
  let held = 0;

  function flush(): void {
    if (held > 0) print(`          … and ${held} more`);
    held = 0;
    printed = 0;
  }

  // Without it the last second of a flood would be told only when the next event comes.
  setInterval(flush, 1_000).unref();

  return {
    report(report: DeliveryReport): void {
      if (QUIET.has(report.outcome)) return;
      const now = Math.floor(report.at.getTime() / 1000);
      if (now !== second) {
        flush();
        second = now;
      }
      if (printed < LINES_PER_SECOND) print(deliveryLine(report));
      else held += 1;
      printed += 1;
    },
    flush,
  };
}

/** E.g. `09:14:02  push  acme/site (acme, paid) → mailer beta, version 23: done in 4 ms (customer pin)`. */
function deliveryLine(report: DeliveryReport): string {
  const { record, decision, outcome, component, error: failure, executedVersion } = report;
  const { project, customer, plan } = record.subject;
  const owner = [customer, plan].filter((part) => part !== undefined).join(", ");
  const about = project === undefined ? owner : owner === "" ? project : `${project} (${owner})`;
  const where = decision === undefined ? "" : ` → ${component === undefined ? "" : `${component} `}${decision.alias}`;
  const version = report.executedVersion === undefined ? "" : `, version ${report.executedVersion}`;
  const took = report.durationMs === undefined ? "" : ` in ${Math.round(report.durationMs)} ms`;
  const replay = report.replay === undefined ? "" : `, ${report.replay}`;
  const why = decision === undefined ? "" : ` (${decision.because}${decision.fallback ? ", fallback" : ""}${replay})`;
  const failed = failure && { component, alias: decision?.alias, error: failure, executedVersion };
  const error = failed === undefined ? "" : `, ${deliveryErrorText(failed)}`;
  const time = report.at.toISOString().slice(11, 19);
  const what = [record.detailType, about].filter((part) => part !== "").join("  ");
  const said = `${what}${where}${version}: `;
  return `${time}  ${printable(said)}${outcomeText(outcome)}${took}${printable(why + error)}`;
}

function outcomeText(outcome: DeliveryReport["outcome"]): string {
  if (outcome === "done") return styleText("green", outcome);
  if (outcome === "failed" || outcome === "dead" || outcome === "rejected") return styleText("red", outcome);
  return styleText("yellow", outcome);
}
