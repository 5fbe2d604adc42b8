import { committerHandler } from "../committer.ts";
import { functionPorts } from "./function-ports.ts";

const { aws } = functionPorts();

/** Called by operators' commands for each change of the routing. */
export const handler = committerHandler(aws.routingTable);
