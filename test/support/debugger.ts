import { onTestFinished } from "vitest";

type Message = { id?: number; method?: string; params?: { sessionId?: string }; sessionId?: string };

/** A debugger, as editors are: attached by the inspector's protocol to the threads of a process that lets one in. */
export async function aDebugger(url: string) {
  const socket = new WebSocket(url);
  onTestFinished(() => socket.close());
  const messages: Message[] = [];
  const waiting = new Set<() => void>();
  let requests = 0;
  /** Returns the request's id. */
  const call = (method: string, params: object = {}, sessionId?: string): number => {
    const id = ++requests;
    socket.send(JSON.stringify({ id, method, params, ...(sessionId !== undefined && { sessionId }) }));
    return id;
  };
  socket.addEventListener("message", ({ data }) => {
    messages.push(JSON.parse(String(data)));
    for (const look of waiting) look();
  });
  await new Promise((resolve) => socket.addEventListener("open", resolve));
  const heard = (isIt: (message: Message) => boolean) =>
    new Promise<Message>((resolve) => {
      const look = () => {
        const found = messages.find(isIt);
        if (found !== undefined) resolve(found);
      };
      waiting.add(look);
      look();
    });
  call("Target.setAutoAttach", { autoAttach: true, waitForDebuggerOnStart: false, flatten: true });
  const thread = (await heard(({ method }) => method === "Target.attachedToTarget")).params?.sessionId;
  call("Debugger.enable", {}, thread);
  return {
    /** Stops the thread at a line, counted from 0, of each file of that name. */
    async breakAt(lineNumber: number, file: string): Promise<void> {
      const urlRegex = `.*/${file.replaceAll(".", "\\.")}`;
      const asked = call("Debugger.setBreakpointByUrl", { lineNumber, urlRegex }, thread);
      await heard(({ id }) => id === asked);
    },
    paused: () => heard(({ method }) => method === "Debugger.paused"),
    resume: () => call("Debugger.resume", {}, thread),
  };
}
