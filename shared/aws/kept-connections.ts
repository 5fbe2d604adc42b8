import type { Agent, ClientRequest, IncomingMessage } from "node:http";

/**
 * How long a connection may have been idle that is used again. S3 closes them after 20 s, DynamoDB after 60 s, others
 * later: by what users of the SDKs have seen, for AWS doesn't say (vectordotdev/vector#9703, aws/aws-sdk-java#1365).
 */
const MAX_IDLE_MS = 10_000;

/** How often that is looked at, at most: 2 us for each request would be too much. */
const LOOK_EACH_MS = 1_000;

/** When it was last used, by the clock on the wall: whether a frozen one's monotonic clock goes on is told both ways. */
const freeSince = Symbol("freeSince");
type Connection = IncomingMessage["socket"] & { [freeSince]?: number };

/** How a request comes to a connection; Node calls it so, but doesn't say so in its types. */
type Giving = Agent & { addRequest(request: ClientRequest, options: object): void };

/**
 * Agents that look before they write: what has been idle for too long is closed, and the request has a new connection.
 *
 * Lambda freezes an environment between invocations, for minutes, and what ends its connections meanwhile it never hears
 * of, nor do timers run. A request that is then lost can't be made again for free: one that was sent is an attempt.
 */
export function keptConnections(maxSockets = Number.POSITIVE_INFINITY): { httpsAgent: Agent; httpAgent: Agent } {
  // Here, for an import of `node:http` loads all that there is in it, which takes 20 ms.
  const [https, http] = [process.getBuiltinModule("node:https"), process.getBuiltinModule("node:http")];
  const kept = { keepAlive: true, maxSockets };
  // Plain HTTP only for endpoints that a test has put in the place of AWS.
  return { httpsAgent: looking(new https.Agent(kept)), httpAgent: looking(new http.Agent(kept)) };
}

function looking(agent: Agent): Agent {
  const giving = agent as Giving;
  const addRequest = giving.addRequest.bind(agent);
  const keepSocketAlive = agent.keepSocketAlive.bind(agent) as (connection: Connection) => boolean;
  let lastLook = 0;

  agent.keepSocketAlive = (connection: Connection) => {
    connection[freeSince] = Date.now();
    return keepSocketAlive(connection);
  };
  giving.addRequest = (request, options) => {
    const now = Date.now();
    if (Math.abs(now - lastLook) >= LOOK_EACH_MS) {
      lastLook = now;
      closeIdle(agent.freeSockets, now - MAX_IDLE_MS);
    }
    addRequest(request, options);
  };
  return agent;
}

/** The longest idle stand first. Only those: Node passes over what is closed there, and takes the last one unseen. */
function closeIdle(free: Agent["freeSockets"], latest: number): void {
  for (const connections of Object.values(free) as Connection[][]) {
    for (const connection of connections) {
      if ((connection[freeSince] ?? 0) > latest) break;
      connection.destroy();
    }
  }
}
