import type { SweeperPorts } from "../../functions/sweeper.ts";
import type { LaptopStore } from "../../shared/laptop-store/laptop-store.ts";

async function refuse(): Promise<never> {
  throw new Error("nobody listens on a laptop");
}

const laptops: LaptopStore = {
  leases: async () => [],
  putLease: refuse,
  removeLease: refuse,
  deliver: refuse,
  inbox: refuse,
  remove: refuse,
};

/** What a sweeper has besides, where nobody listens on a laptop. */
export const noLaptops: Pick<SweeperPorts, "laptops" | "outcomes" | "onError"> = {
  laptops,
  outcomes: { send: refuse },
  onError(error) {
    throw error;
  },
};
