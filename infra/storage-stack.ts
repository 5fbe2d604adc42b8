import { Stack, type StackProps } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { EventStorage, type EventStorageProps } from "./constructs/event-storage.ts";

/** All of Turnout's state. */
export class StorageStack extends Stack {
  readonly storage: EventStorage;

  constructor(scope: Construct, id: string, { storage, ...props }: StackProps & { storage: EventStorageProps }) {
    super(scope, id, props);
    this.storage = new EventStorage(this, "Storage", storage);
  }
}
