import type { Construct } from "constructs";
import { AccessStack } from "./access-stack.ts";
import { environmentNames } from "./constructs/environment-names.ts";
import { type EnvironmentSettings, environmentSettings } from "./environments.ts";
import { ReplayStack } from "./replay-stack.ts";
import { RoutingStack } from "./routing-stack.ts";
import { SeeingStack } from "./seeing-stack.ts";
import { StorageStack } from "./storage-stack.ts";
import { SweepingStack } from "./sweeping-stack.ts";

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
  const { env, isProtected, capacity, logRetention, concurrency, replayers, oldestMessage } = settings;
  const { eventBusName, alarmTopicArn } = settings;
  const stack = { ...(env === undefined ? {} : { env }), terminationProtection: isProtected && !isFirstDeployment };
  const { storage } = new StorageStack(scope, names.of("storage"), {
    ...stack,
    description: "Turnout's state: routing table, event store and large bodies.",
    storage: { names, isProtected, isFirstDeployment, capacity },
  });
  const common = { names, isProtected, logRetention, storage };
  const { routing } = new RoutingStack(scope, names.of("routing"), {
    ...stack,
    description: "Turnout's bus, queues and router.",
    routing: { ...common, concurrency },
    ...(eventBusName === undefined ? {} : { eventBusName }),
  });
  const { replay } = new ReplayStack(scope, names.of("replay"), {
    ...stack,
    description: "Turnout's replayer.",
    replay: { ...common, ...(replayers === undefined ? {} : { replayers }) },
  });
  const { sweeping } = new SweepingStack(scope, names.of("sweeping"), {
    ...stack,
    description: "What finishes Turnout's open ends.",
    sweeping: { ...common, routing },
  });
  const seeing = new SeeingStack(scope, names.of("seeing"), {
    ...stack,
    description: "Turnout's alarms, dashboard and saved queries.",
    seeing: { names, routing, replay, sweeping, oldestMessage },
    ...(alarmTopicArn === undefined ? {} : { alarmTopicArn }),
  });
  const access = new AccessStack(scope, names.of("access"), {
    ...stack,
    description: "Policies and settings for those who use Turnout.",
    access: { ...common, routing, replay },
  });
  // Last of all: with the parameter that it makes the environment is there, whole.
  access.addStackDependency(seeing);
}
