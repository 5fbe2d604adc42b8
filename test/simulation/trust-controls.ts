import { outcomesHandler } from "../../functions/outcomes.ts";
import { routerHandler } from "../../functions/router.ts";
import { deliveryMark } from "../../shared/domain/deliveries/attempt-reference.ts";
import { LIVE } from "../../shared/domain/deliveries/delivery-key.ts";
import { readOutcome } from "../../shared/domain/deliveries/outcome-message.ts";
import { outcomeToken } from "../../shared/domain/deliveries/outcome-token.ts";
import type { DeliveryLedger } from "../../shared/event-store/delivery-ledger.ts";
import type { Control } from "./breakage.ts";
import { allOfKind } from "./scenario.ts";

/** What publishers and components could do to each other. */
export const trustControls: Record<string, Control> = {
  "bare-key": {
    breaks: "a version is given the publisher's own key, with the replay's name behind it in a replay",
    shows: ["no effect"],
    weather: (scenario) => ({
      ...scenario,
      publications: scenario.publications.map((publication, index) => ({
        ...publication,
        kind: index % 2 === 0 ? "order placed" : "order paid",
        key: `${index >> 1}`,
      })),
    }),
    breakage: {
      router: (ports) =>
        routerHandler({
          ...ports,
          target(send) {
            const { turnout, ...event } = JSON.parse(send.payload);
            const { publisherKey, generation } = turnout;
            const idempotencyKey = generation === LIVE ? publisherKey : `${publisherKey}#${generation}`;
            const told = { ...event, turnout: { ...turnout, idempotencyKey } };
            return ports.target({ ...send, payload: JSON.stringify(told) });
          },
        }),
    },
  },
  "anybody-believed": {
    breaks: "whoever names an attempt is believed what became of it",
    shows: ["wrong outcome shown"],
    weather: (scenario) => ({
      ...scenario,
      publications: allOfKind(scenario, "parcel packed"),
      emphasis: ["outcome forged"],
      intensity: 1,
    }),
    breakage: {
      outcomes: (ports) => {
        const handler = outcomesHandler(ports);
        return async (event, context) => {
          const believed = event.Records.map(async (record) => ({
            ...record,
            body: await withItsToken(ports.events, record.body),
          }));
          return handler({ Records: await Promise.all(believed) }, context);
        };
      },
    },
  },
};

/** The message with the token that its attempt was given, whatever it had. */
async function withItsToken(events: Pick<DeliveryLedger, "deliveriesOf">, body: string): Promise<string> {
  const outcome = readOutcome(body);
  if (!outcome.ok || outcome.value === undefined) return body;
  const { eventKey, mark, token, attempt, functionArn } = outcome.value;
  const entries = (await events.deliveriesOf([eventKey])).get(eventKey) ?? [];
  const { deliveryKey = "", owner = "" } = entries.find((entry) => deliveryMark(entry.deliveryKey) === mark) ?? {};
  return body.replace(token, outcomeToken(owner, { deliveryKey, attempt, functionArn }));
}
