import { once } from "node:events";
import { connect } from "node:net";
import { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import { onTestFinished } from "vitest";
import { type FrontDoor, type FrontDoorOptions, startFrontDoor } from "../../scripts/embedded/front-door.ts";

export const NOW = new Date("2026-11-20T10:00:00.123Z");

export type OpenDoor = FrontDoor & {
  /** The bodies of each `send`, in order. */
  sends: string[][];
  bodies(): string[];
};

/** A front door on a free port, with a queue in memory; closed when the test ends. Ids are `id-1`, `id-2`, … */
export async function openFrontDoor(options: Partial<FrontDoorOptions> = {}): Promise<OpenDoor> {
  const sends: string[][] = [];
  let ids = 0;
  const send = async (bodies: readonly string[]) => {
    sends.push([...bodies]);
    return bodies.map((_, index) => `message-${index}`);
  };
  const door = await startFrontDoor({
    queue: { send },
    port: 0,
    now: () => NOW,
    newId: () => `id-${++ids}`,
    health: async () => ({ status: "ok" }),
    ...options,
  });
  onTestFinished(() => door.stop(0));
  return { ...door, sends, bodies: () => sends.flat() };
}

/** The AWS SDK's own client, with nothing changed but its endpoint. */
export function eventBridgeClient(door: FrontDoor): EventBridgeClient {
  const client = new EventBridgeClient({
    endpoint: door.url,
    region: "eu-central-1",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  });
  onTestFinished(() => client.destroy());
  return client;
}

/** Writes the text to the server as it is and returns everything that comes back until the server hangs up. */
export async function rawExchange(door: FrontDoor, text: string): Promise<string> {
  const socket = connect(door.port, "127.0.0.1");
  socket.setEncoding("utf8");
  let received = "";
  socket.on("data", (chunk) => {
    received += chunk;
  });
  // Written in pieces, as a real client would: the server may hang up on it midway, which is no failure here.
  socket.on("error", () => {});
  socket.write(text);
  await once(socket, "close");
  return received;
}
