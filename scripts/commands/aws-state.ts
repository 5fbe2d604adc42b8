import { openEnvironment } from "../../shared/installation/aws-installation.ts";
import type { State } from "../../shared/installation/installation.ts";
import { note } from "./terminal/output.ts";

/**
 * The state of an environment on AWS, found by its name with the credentials that the SDK finds.
 * @throws TurnoutError when there is none of that name, or it may not be used
 */
export async function awsState(environment: string): Promise<State> {
  const aws = await openEnvironment({ environment, application: process.env.TURNOUT_APPLICATION || "turnout" });
  const { routingTable, events, replays, catalog } = aws;
  return {
    routingTable,
    events,
    replays,
    catalog,
    versions: { from: "functions", catalog, environment },
    who: async () => (await aws.identity()).arn,
    async publish(published) {
      const settled = await aws.publish(published);
      const [first] = settled;
      // What is refused alike for all is the caller's, not the events'.
      if (first !== undefined && settled.every((one) => "code" in one && "code" in first && one.code === first.code)) {
        const told = "code" in first && aws.explain(Object.assign(new Error(first.message), { name: first.code }));
        if (told) throw told;
      }
      return settled.map((one) => ("eventId" in one ? one : { problem: `${one.code}: ${one.message}` }));
    },
    isServed: () => true,
    // Functions are called for what is in the queue; nothing waits for somebody to start them.
    waiting: async () => 0,
    async callReplayer(replay) {
      try {
        await aws.callReplayer(replay);
      } catch (error) {
        const told = aws.explain(error) ?? error;
        const message = told instanceof Error ? told.message : String(told);
        note(`the replayer could not be called, so that ${replay} begins within a minute: ${message}`);
      }
    },
    examine: () => aws.examine(),
    explain: aws.explain,
    close: aws.close,
  };
}
