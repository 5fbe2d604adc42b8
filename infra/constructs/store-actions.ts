/*
 * What the adapters ask of DynamoDB and S3, part by part. A transaction needs the permissions of its single actions, and
 * a batch of statements those of its statements.
 */

/** `head`, `changesAfter`, `rows`, `components`, `subjects`. */
export const readRouting = ["dynamodb:GetItem", "dynamodb:Query"] as const;

/** `commit`: one transaction. */
export const changeRouting = ["dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"] as const;

/**
 * What nobody does to the change log, to those neither who commit changes: they put entries, on condition that there is
 * none. The condition is the request's own; IAM can't ask for one.
 */
export const rewriteLog = ["dynamodb:UpdateItem", "dynamodb:DeleteItem"] as const;

/** The partitions of the routing table that are only ever added to: the change log, and the ids of its changes. */
export const LOG_PARTITIONS = ["log", "change#*"];

/** `find`, `deliveries`, `deliveriesOf`, `records`, `counts`, `failures`. */
export const readEvents = ["dynamodb:BatchGetItem", "dynamodb:Query"] as const;

/** `close`, with what is due later beside it, and `count`. */
export const closeDeliveries = ["dynamodb:PartiQLUpdate", "dynamodb:BatchWriteItem"] as const;

/** `claim`, `reject` and `close`: of events that are stored. */
export const repeatDeliveries = ["dynamodb:PartiQLInsert", ...closeDeliveries] as const;

/** `claim`, `release`, `reject`, `record`, and `close`. */
export const makeDeliveries = [...repeatDeliveries, "dynamodb:PartiQLDelete"] as const;

/** `due` and `handOver`. */
export const sweepDeliveries = [
  ...readEvents,
  "dynamodb:BatchWriteItem",
  "dynamodb:PartiQLUpdate",
  "dynamodb:PartiQLDelete",
] as const;

/** Replays: `get`, `list` and `active`. */
export const readReplays = ["dynamodb:GetItem", "dynamodb:Query"] as const;

/** Replays: `create` and `update`. */
export const changeReplays = ["dynamodb:UpdateItem"] as const;

/** The partition of the event table that replays stand in. */
export const REPLAYS_PARTITION = "replays";

/** Watches: `put` and `remove`. */
export const changeWatches = ["dynamodb:PutItem", "dynamodb:DeleteItem"] as const;

/** The partition of the event table that guards' watches stand in. */
export const WATCHES_PARTITION = "watches";

/** Laptops: `putLease` and `remove`, for whoever listens. */
export const listenOnLaptop = ["dynamodb:PutItem", "dynamodb:BatchWriteItem"] as const;

/** Laptops: `removeLease`. What waits in their inboxes, whoever sweeps deliveries may remove already. */
export const forgetLaptops = ["dynamodb:DeleteItem"] as const;

/** The partitions of the event table that laptops' leases and inboxes stand in. */
export const LAPTOPS_PARTITION = "laptops";
export const INBOX_PARTITIONS = "inbox#*";

/** Where bodies stand in their bucket. */
export const BODIES = "bodies/*";

/** Where events stand in the same bucket that are too large for a task's environment. */
export const HANDED = "handed/";
