import type { BusEvent } from "../../shared/domain/events/event.ts";
import { type EventEntry, envelopeOf } from "../../shared/domain/events/event-entry.ts";
import { anEvent, bodyOf } from "../support/builders.ts";
import { between } from "./chance.ts";
import type { History, Published } from "./history.ts";
import { customerOf } from "./planned-replays.ts";
import { type Publication, type Scenario, SECOND } from "./scenario.ts";
import type { SimulatedFrontDoor } from "./simulated-front-door.ts";
import type { Surroundings } from "./simulated-process.ts";
import type { StandardQueue } from "./standard-queue.ts";

const MAX_TRIES = 3;

/** Services that publish as planned, over a bus or at the front door. One that got no answer publishes again: same key, new id. */
export function simulatedPublisher(
  { time, chance, faults }: Surroundings,
  queue: StandardQueue,
  frontDoor: Pick<SimulatedFrontDoor, "publish">,
  { publications, arrivals }: Scenario,
  history: History,
) {
  const start = time.now();
  let open = publications.length;

  function attempt(publication: Publication, tryNumber: number): void {
    const { kind, key, payload, project } = publication;
    const id = tryNumber === 1 ? publication.id : `${publication.id} again ${tryNumber}`;
    const readable = kind !== "unreadable";
    const event = eventOf(publication, id, time.now());
    // The front door doesn't take what it can't read.
    const entry = readable && chance(`${id} arrives`) < arrivals ? entryOf(event) : undefined;
    const known = { id, now: new Date(time.now()) };
    const text = entry === undefined ? bodyOf(event) : envelopeOf(entry, known);
    const published: Published = {
      id,
      at: time.now(),
      detailType: kind,
      key,
      payload,
      project: `project-${project}`,
      customer: customerOf(project),
      body: readable ? text : `unreadable ${id}`,
      readable,
      deadly: publication.deadly === true,
    };
    history.published.push(published);
    const fault = faults.strike(`${id} published`, {
      "publisher's answer lost": 0.03,
      "request lost": 0.02,
      "bus duplicate": 0.05,
    });
    const take = () => {
      if (entry !== undefined) return frontDoor.publish({ id, entry });
      queue.send([published.body]);
      return Promise.resolve(true);
    };
    const isAnswered = fault !== "request lost" && fault !== "publisher's answer lost";
    const isTaken = fault === "request lost" ? Promise.resolve(false) : take();
    if (fault === "bus duplicate") {
      time.at(time.now() + between(chance(`${id} duplicate`), 0, 10 * SECOND), () => void take());
    }
    void isTaken.then((taken) => {
      if (taken && isAnswered) published.acceptedAt = time.now();
      if ((taken && isAnswered) || tryNumber === MAX_TRIES) open -= 1;
      else time.at(time.now() + 2 * SECOND, () => attempt(publication, tryNumber + 1));
    });
  }

  for (const publication of publications) time.at(start + publication.at, () => attempt(publication, 1));
  /** Whether there is anything still to be published. */
  return { isDone: () => open === 0 };
}

function eventOf({ kind, key, payload, project, poison, deadly }: Publication, id: string, at: number) {
  return anEvent({
    id,
    time: new Date(at).toISOString(),
    detailType: kind,
    idempotencyKey: key,
    project: `project-${project}`,
    customer: customerOf(project),
    detail: { payload, ...(poison ? { poison } : {}), ...(deadly ? { deadly } : {}) },
  });
}

/** The event as its publisher hands it in. */
function entryOf({ source, "detail-type": detailType, time, detail }: BusEvent): EventEntry {
  return { source, detailType, time, detail: JSON.stringify(detail), said: detail, resources: [] };
}
