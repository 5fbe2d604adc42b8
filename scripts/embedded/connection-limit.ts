import type { Server } from "node:http";
import type { Socket } from "node:net";

/** What a connection is doing: nothing yet or any more, sending a request, or waiting for its answer. */
export type ConnectionStates = {
  idle(socket: Socket): void;
  reading(socket: Socket): void;
  answering(socket: Socket): void;
};

/**
 * Keeps a server at so many connections. For a new one beyond that the one is closed that has been idle for longest, and
 * if none is, the one that has been sending its request for longest: whoever opens connections and says nothing, or
 * slowly, doesn't shut the others out. Those whose answer is being made are never closed; if all are, the new one is.
 */
export function limitConnections(server: Server, most: number): ConnectionStates {
  // Sets keep the order in which something was put in.
  const idle = new Set<Socket>();
  const reading = new Set<Socket>();
  const answering = new Set<Socket>();
  const all = [idle, reading, answering];

  function move(socket: Socket, to: Set<Socket>): void {
    for (const others of all) others.delete(socket);
    if (!socket.destroyed) to.add(socket);
  }

  server.on("connection", (socket: Socket) => {
    if (idle.size + reading.size + answering.size >= most) {
      const [closed = socket] = idle.size > 0 ? idle : reading;
      for (const others of all) others.delete(closed);
      closed.destroy();
    }
    if (socket.destroyed) return;
    idle.add(socket);
    socket.once("close", () => {
      for (const others of all) others.delete(socket);
    });
  });
  return {
    idle: (socket) => move(socket, idle),
    reading: (socket) => move(socket, reading),
    answering: (socket) => move(socket, answering),
  };
}
