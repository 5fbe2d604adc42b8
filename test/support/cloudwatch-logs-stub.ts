import { stubServer } from "./stub-server.ts";

type StoredEvent = { timestamp: number; logStreamName: string; message: string };
type Filter = { logGroupName: string; startTime: number; endTime: number; filterPattern?: string; nextToken?: string };

/** Events of a page, so that a test sees several. */
const PAGE = 2;

/** A server that speaks CloudWatch Logs' FilterLogEvents, with patterns of the form `?"one" ?"other"` or `{ $.a = "b" && $.c = "*" }`. */
export async function cloudWatchLogsStub() {
  const groups = new Map<string, StoredEvent[]>();
  const asked: Filter[] = [];
  const denied = new Set<string>();
  const endpoint = await stubServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const answer = (status: number, body: object) =>
        void response.writeHead(status, { "content-type": "application/x-amz-json-1.1" }).end(JSON.stringify(body));
      if (request.headers["x-amz-target"] !== "Logs_20140328.FilterLogEvents") return answer(400, {});
      const filter: Filter = JSON.parse(Buffer.concat(chunks).toString());
      asked.push(filter);
      if (denied.has(filter.logGroupName)) return answer(400, { __type: "AccessDeniedException", message: "no" });
      const stored = groups.get(filter.logGroupName);
      if (stored === undefined) return answer(400, { __type: "ResourceNotFoundException", message: "no such group" });
      const found = stored
        .map((event, index) => ({ ...event, eventId: `${filter.logGroupName}#${index}` }))
        .filter(({ timestamp }) => timestamp >= filter.startTime && timestamp <= filter.endTime)
        .filter(({ message }) => matches(message, filter.filterPattern ?? ""))
        .sort((a, b) => a.timestamp - b.timestamp);
      const start = Number(filter.nextToken ?? 0);
      const more = start + PAGE < found.length ? { nextToken: String(start + PAGE) } : {};
      answer(200, { events: found.slice(start, start + PAGE), ...more });
    })().catch((error: unknown) => response.writeHead(500).end(String(error)));
  });
  return {
    endpoint,
    asked,
    /** Lets nobody read it any more. */
    deny: (group: string) => void denied.add(group),
    /** Keeps what a version's environment has written; without a message there is only the group. */
    write(group: string, at: Date, version: string, message?: string): void {
      const events = groups.get(group) ?? [];
      groups.set(group, events);
      const logStreamName = `2026/11/20/[${version}]0123456789abcdef`;
      if (message !== undefined) events.push({ timestamp: at.getTime(), logStreamName, message });
    },
  };
}

function matches(message: string, pattern: string): boolean {
  if (pattern.startsWith("{")) {
    const fields = pattern.matchAll(/\$\.(\w+) = "([^"]*)"/g);
    return fields.every(([, field = "", wanted]) => {
      const value = message.startsWith("{") ? JSON.parse(message)[field] : undefined;
      return wanted === "*" ? value !== undefined : value === wanted;
    });
  }
  const terms = [...pattern.matchAll(/\?"([^"]*)"/g)].map(([, term = ""]) => term);
  return terms.length === 0 || terms.some((term) => message.includes(term));
}
