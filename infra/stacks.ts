import { Stack } from "aws-cdk-lib";
import { EventBus } from "aws-cdk-lib/aws-events";
import { Topic } from "aws-cdk-lib/aws-sns";
import type { Construct } from "constructs";
import { EnvironmentAccess } from "./constructs/environment-access.ts";
import { environmentNames } from "./constructs/environment-names.ts";
import { EventReplay } from "./constructs/event-replay.ts";
import { EventRouting } from "./constructs/event-routing.ts";
import { EventSeeing } from "./constructs/event-seeing.ts";
import { EventStorage } from "./constructs/event-storage.ts";
import { EventSweeping } from "./constructs/event-sweeping.ts";
import { HealthWatching } from "./constructs/health-watching.ts";
import { HostedConsole } from "./constructs/hosted-console.ts";
import { type EnvironmentSettings, environmentSettings } from "./environments.ts";

export type AboutStacks = {
  /** Default `turnout`. */
  application?: string | undefined;
  /** Default: those that `environments.ts` has for the environment. */
  settings?: EnvironmentSettings;
  /** Stacks and tables can be deleted still, so that a creation that fails can be made again. Default false. */
  isFirstDeployment?: boolean;
};

/** One environment of Turnout, in one stack per concern. */
export function addStacks(scope: Construct, environment: string, about: AboutStacks = {}): void {
  const { application, settings = environmentSettings(environment), isFirstDeployment = false } = about;
  const names = environmentNames(environment, application);
  const { env, isProtected, capacity, logRetention, concurrency, replayers, alarms } = settings;
  const { eventBusName, alarmTopicArn } = settings;
  const terminationProtection = isProtected && !isFirstDeployment;
  const stack = (name: string, description: string): Stack =>
    new Stack(scope, names.of(name), { ...(env === undefined ? {} : { env }), terminationProtection, description });

  const inStorage = stack("storage", "Turnout's state: routing table, event store and large bodies.");
  const storage = new EventStorage(inStorage, "Storage", { names, isProtected, isFirstDeployment, capacity });
  const common = { names, isProtected, logRetention, storage };

  const inRouting = stack("routing", "Turnout's bus, queues and router.");
  const eventBus =
    eventBusName === undefined ? {} : { eventBus: EventBus.fromEventBusName(inRouting, "Bus", eventBusName) };
  const routing = new EventRouting(inRouting, "Routing", { ...common, concurrency, ...eventBus });

  const inReplay = stack("replay", "Turnout's replayer.");
  const replay = new EventReplay(inReplay, "Replay", {
    ...{ ...common, routing },
    ...(replayers === undefined ? {} : { replayers }),
  });

  const inSweeping = stack("sweeping", "What finishes Turnout's open ends.");
  const sweeping = new EventSweeping(inSweeping, "Sweeping", { ...common, routing });

  const inSeeing = stack("seeing", "Turnout's watcher, alarms, dashboard and saved queries.");
  const alarmTopic =
    alarmTopicArn === undefined ? {} : { alarmTopic: Topic.fromTopicArn(inSeeing, "AlarmTopic", alarmTopicArn) };
  const watching = new HealthWatching(inSeeing, "Watching", common);
  new EventSeeing(inSeeing, "Seeing", {
    names,
    routing,
    replay,
    sweeping,
    watching,
    thresholds: alarms,
    ...alarmTopic,
  });

  const inAccess = stack("access", "Policies and settings for those who use Turnout.");
  const access = new EnvironmentAccess(inAccess, "Access", { ...common, routing, replay });
  // Last of all: with the parameter that it makes the environment is there, whole.
  inAccess.addStackDependency(inSeeing);

  if (settings.console === undefined) return;
  const inConsole = stack("console", "Turnout's console, behind a load balancer that signs people in.");
  new HostedConsole(inConsole, "Hosted", { names, isProtected, logRetention, access, hosting: settings.console });
}
