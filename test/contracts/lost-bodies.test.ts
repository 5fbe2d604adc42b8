import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileBodyStore } from "../../shared/body-store/file-body-store.ts";
import { s3BodyStore } from "../../shared/body-store/s3-body-store.ts";
import { sqliteEventStore } from "../../shared/event-store/sqlite-event-store.ts";
import { openDatabase } from "../../shared/sqlite/database.ts";
import { aNewEventStore } from "../support/dynamodb-event-store.ts";
import { withDynamoDB } from "../support/dynamodb-local.ts";
import { s3Client, s3Stub } from "../support/s3-stub.ts";
import { temporaryFolder } from "../support/tmp.ts";
import { describeLostBodies } from "./lost-bodies.contract.ts";

describeLostBodies("SQLite and files", async () => {
  const folder = join(temporaryFolder(), "bodies");
  const database = openDatabase(":memory:");
  return {
    store: sqliteEventStore(database, fileBodyStore(folder)),
    keys: () => (existsSync(folder) ? readdirSync(folder) : []),
    change(key, to) {
      const bytes = to(readFileSync(join(folder, key)));
      if (bytes === undefined) rmSync(join(folder, key));
      else writeFileSync(join(folder, key), bytes);
    },
    close: async () => database.close(),
  };
});

withDynamoDB("large bodies beside DynamoDB", (endpoint) => {
  describeLostBodies("DynamoDB Local and S3", async () => {
    const stub = await s3Stub("bodies-of-acme");
    const bodies = s3BodyStore(s3Client(stub.endpoint), "bodies-of-acme");
    const { store } = await aNewEventStore(endpoint, { bodies });
    return {
      store,
      keys: () => [...stub.objects.keys()],
      change(key, to) {
        const bytes = to(stub.objects.get(key) ?? Buffer.alloc(0));
        if (bytes === undefined) stub.objects.delete(key);
        else stub.objects.set(key, bytes);
      },
      close: async () => {},
    };
  });
});
