import type { EventRecord } from "../../../shared/domain/deliveries/delivery.ts";
import type { InboxItem } from "../../../shared/domain/deliveries/inbox-item.ts";
import type { Subject } from "../../../shared/domain/subject.ts";
import { plural } from "../../../shared/domain/text/plural.ts";
import { printable } from "../../../shared/domain/text/printable.ts";
import type { ListenerSaid } from "../../../shared/flows/listen/laptop-listener.ts";
import type { SendResult } from "../../../shared/targets/target.ts";
import type { LogLine } from "../../../shared/version-logs/version-logs.ts";
import { note, paint, printJson } from "../terminal/output.ts";

/** An event that has arrived, as it is told of. */
export type ShownEvent = { number: number; item: InboxItem; record: EventRecord };

/** What there is to see while a laptop listens. */
export type ListenView = {
  said(said: ListenerSaid): void;
  printed(line: LogLine): void;
  /** @param again of an event that was run once more, here only */
  again(event: ShownEvent, result: SendResult): void;
  /** Other code runs from now on, or none can. */
  saved(problem: Error | undefined): void;
};

/** Events that a line of the log, or a key, may still be about. */
const REMEMBERED = 200;

/** Numbers events in the order in which they arrive. */
export function arrivals() {
  const shown: ShownEvent[] = [];
  let count = 0;
  return {
    add(item: InboxItem, record: EventRecord): ShownEvent {
      const event = { number: ++count, item, record };
      shown.push(event);
      if (shown.length > REMEMBERED) shown.shift();
      return event;
    },
    find: (requestId: string | undefined) => shown.findLast(({ item }) => item.requestId === requestId),
    all: (): readonly ShownEvent[] => shown,
  };
}
export type Arrivals = ReturnType<typeof arrivals>;

/** Lines for a person. @param write prints one */
export function lineView(events: Arrivals, write: (line: string) => void): ListenView {
  const under = (event: ShownEvent | undefined, text: string) =>
    write(`          ${event === undefined ? "" : `#${event.number}  `}${text}`);
  return {
    said(said) {
      switch (said.said) {
        case "arrived":
          return write(arrivalLine(events.add(said.item, said.record)));
        case "ended":
          return under(events.find(said.item.requestId), resultText(said.result));
        case "too late":
          return under(events.find(said.item.requestId), paint("yellow", "too late: it has been decided again"));
        case "slept":
          return note(`${said.why}: holds it again; ${plural(said.lost, "event")} in hand had been decided again`);
        case "cut off":
          return note(cutOffText(said));
        case "back":
          return note("back: it was there all the time, and goes on");
        case "taken over":
          return note(`${said.by.owner} holds ${said.by.alias} by now`);
        case "trouble":
          return note(`trouble, tried again: ${textOf(said.error)}`);
      }
    },
    printed: ({ requestId, text }) => under(events.find(requestId), `${paint("dim", "|")} ${printable(text)}`),
    again: (event, result) => under(event, `again, here only: ${resultText(result)}`),
    saved: (problem) => note(savedText(problem)),
  };
}

/** A line of JSON for each thing that happens. The names are a promise; what isn't known is null. */
export function jsonView(events: Arrivals): ListenView {
  return {
    said(said) {
      switch (said.said) {
        case "arrived":
          return printJson({ said: "arrived", ...eventJson(events.add(said.item, said.record)) });
        case "ended":
          return printJson({ said: "ended", ...numbered(events, said.item), ...resultJson(said.result) });
        case "too late":
          return printJson({ said: "too late", ...numbered(events, said.item) });
        case "slept":
          return printJson({ said: "slept", why: said.why, lost: said.lost });
        case "cut off":
          return printJson({ said: "cut off", error: textOf(said.error), until: said.until ?? null });
        case "back":
          return printJson({ said: "back" });
        case "taken over":
          return printJson({ said: "taken over", owner: said.by.owner, alias: said.by.alias });
        case "trouble":
          return note(`trouble, tried again: ${textOf(said.error)}`);
      }
    },
    printed({ at, requestId, text }) {
      const event = events.find(requestId);
      printJson({ said: "printed", time: at.toISOString(), number: event?.number ?? null, text });
    },
    again: (event, result) => printJson({ said: "again", number: event.number, ...resultJson(result) }),
    saved: (problem) => printJson({ said: problem ? "broken" : "reloaded", error: problem?.message ?? null }),
  };
}

function numbered(events: Arrivals, item: InboxItem) {
  return {
    number: events.find(item.requestId)?.number ?? null,
    event_id: item.event.id,
    attempt: item.turnout.attempt,
  };
}

function eventJson({ number, item, record }: ShownEvent) {
  const { project, customer, plan, user } = item.turnout.subject;
  return {
    number,
    event_id: record.id,
    detail_type: record.detailType,
    source: record.source,
    received_at: record.t0.toISOString(),
    project_id: project ?? null,
    customer_id: customer ?? null,
    customer_plan: plan ?? null,
    user_id: user ?? null,
    because: item.turnout.because,
    attempt: item.turnout.attempt,
  };
}

function resultJson(result: SendResult) {
  const error = "error" in result ? result.error : undefined;
  return {
    outcome: result.outcome,
    duration_ms: "durationMs" in result ? result.durationMs : null,
    error: error?.message ?? null,
    error_type: error?.type ?? null,
  };
}

/** E.g. `10:13:31  #1  push  acme/site (acme, paid)  35a64eb0-…  (customer pin)`. */
function arrivalLine({ number, item, record }: ShownEvent): string {
  const tries = item.turnout.attempt === 1 ? "" : `, attempt ${item.turnout.attempt}`;
  const parts = [item.at.slice(11, 19), `#${number}`, record.detailType, aboutText(item.turnout.subject), record.id];
  return printable(`${parts.filter((part) => part !== "").join("  ")}  (${item.turnout.because}${tries})`);
}

function aboutText({ project, customer, plan }: Subject): string {
  const owner = [customer, plan].filter((part) => part !== undefined).join(", ");
  return project === undefined ? owner : owner === "" ? project : `${project} (${owner})`;
}

function resultText(result: SendResult): string {
  if (result.outcome === "done") return paint("green", `done in ${Math.round(result.durationMs)} ms`);
  if (!("error" in result)) return result.outcome;
  const { type, message, stack } = result.error;
  const where = stack
    ?.split("\n")
    .find((line) => line.trim().startsWith("at "))
    ?.trim();
  return paint("red", printable(`${result.outcome}: ${type}: ${message}${where === undefined ? "" : ` (${where})`}`));
}

function savedText(problem: Error | undefined): string {
  if (problem === undefined) return "reloaded: what comes from now on runs on what was saved";
  return `${problem.message} Events wait until it is saved again.`;
}

function cutOffText({ error, until }: ListenerSaid & { said: "cut off" }): string {
  const then = until === undefined ? "" : ` until ${until.slice(11, 19)}, and go to the fallback from then on`;
  return `cut off, tried again: ${textOf(error)}. What runs goes on; events wait${then}`;
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
