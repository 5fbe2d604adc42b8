import { randomUUID } from "node:crypto";
import { parentPort } from "node:worker_threads";
import type { Asked, Told } from "./put-events-reader.ts";
import { readPutEvents } from "./read-put-events.ts";

/** Reads requests for `putEventsReader`, whose thread it is. What is asked together is told together. */

parentPort?.on("message", (asked: Asked[]) => void parentPort?.postMessage(asked.map(read)));
// It can be asked by now.
parentPort?.postMessage([]);

function read([bytes, nowMs]: Asked): Told {
  const { answer, arrivals, unknownBuses } = readPutEvents(Buffer.from(bytes), new Date(nowMs), randomUUID);
  const told = arrivals.map(({ event, body, payloadHash, metadata }): Told[1][number] => {
    const { id, source, "detail-type": detailType, time, resources } = event;
    return [id, source, detailType, time, resources as string[], body, payloadHash, metadata ?? null];
  });
  return [answer, told, unknownBuses];
}
