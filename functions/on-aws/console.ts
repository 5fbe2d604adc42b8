import { randomUUID } from "node:crypto";
import { awsInstallation } from "../../shared/installation/aws-installation.ts";
import { chooseEnvironment } from "../../shared/installation/wording/environment-name.ts";
import { hostedSettings } from "../../shared/settings.ts";
import { loadBalancerAccess } from "../console/access/load-balancer-access.ts";
import { consoleApp } from "../console/console-app.ts";
import { loadBalancerHandler } from "../console/load-balancer-handler.ts";
import { onError } from "./function-ports.ts";

const settings = hostedSettings(process.env);
// The commands on pages are for it.
chooseEnvironment(settings.name.environment);
const access = loadBalancerAccess(settings);
let opened: ReturnType<typeof open> | undefined;

async function open() {
  const installation = await awsInstallation(settings.name);
  const { environment: where } = settings.name;
  return consoleApp({
    installation,
    access,
    where,
    hosts: [settings.host],
    now: () => new Date(),
    newId: randomUUID,
    onError,
  });
}

/** Called by the load balancer for each request. */
export const handler = loadBalancerHandler(async (request) => {
  try {
    opened ??= open();
    const app = await opened;
    return await app.fetch(request);
  } catch (error) {
    opened = undefined;
    onError(error);
    return new Response("The console can't be opened now. Its function's log says why.", { status: 503 });
  }
});
