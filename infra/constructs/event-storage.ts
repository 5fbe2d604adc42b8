import { Duration } from "aws-cdk-lib";
import { AttributeType, BillingMode, Table, TableEncryption } from "aws-cdk-lib/aws-dynamodb";
import { BlockPublicAccess, Bucket, BucketEncryption, ObjectOwnership } from "aws-cdk-lib/aws-s3";
import { Construct } from "constructs";
import type { EnvironmentNames } from "./environment-names.ts";
import { removalPolicyOf } from "./removal.ts";
import type { SettingsEnvironment } from "./settings-environment.ts";
import { HANDED } from "./store-actions.ts";

/** Most request units a second. */
export type Capacity = { readUnits: number; writeUnits: number };

export type EventStorageProps = {
  names: EnvironmentNames;
  /** Keeps everything that is deleted from the stack, and refuses to delete the tables. Default true. */
  isProtected?: boolean;
  /** Lets tables be deleted still: a creation that fails takes back what it has made. Default false. */
  isFirstDeployment?: boolean;
  /** Most that each table serves: on demand up to there, throttled beyond. */
  capacity: Capacity;
};

/**
 * The routing table, the event store and the bodies that are too large for it: all of Turnout's state.
 *
 * Encrypted with the services' own keys. A key of the customer's would be asked for by every function that reads or
 * writes, for 1 USD a month and 3 USD per million requests, and keeps out only those who may use the tables and not the
 * key: here they are the same, who are named function by function.
 */
export class EventStorage extends Construct {
  readonly routingTable: Table;
  readonly eventTable: Table;
  readonly bodies: Bucket;
  /** The settings that every function needs. */
  readonly environment: SettingsEnvironment;

  constructor(scope: Construct, id: string, props: EventStorageProps) {
    super(scope, id);
    this.routingTable = this.table("RoutingTable", "routing", props);
    this.eventTable = this.table("EventTable", "events", props, "expires");
    this.bodies = this.bucket(props);
    this.environment = {
      TURNOUT_ROUTING_TABLE: this.routingTable.tableName,
      TURNOUT_EVENT_TABLE: this.eventTable.tableName,
      TURNOUT_BODY_BUCKET: this.bodies.bucketName,
    };
  }

  private table(id: string, role: string, props: EventStorageProps, timeToLiveAttribute?: string): Table {
    const { names, capacity, isProtected = true, isFirstDeployment = false } = props;
    return new Table(this, id, {
      tableName: names.of(role),
      partitionKey: { name: "pk", type: AttributeType.STRING },
      sortKey: { name: "sk", type: AttributeType.STRING },
      ...(timeToLiveAttribute === undefined ? {} : { timeToLiveAttribute }),
      billingMode: BillingMode.PAY_PER_REQUEST,
      maxReadRequestUnits: capacity.readUnits,
      maxWriteRequestUnits: capacity.writeUnits,
      encryption: TableEncryption.DEFAULT,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
      deletionProtection: isProtected && !isFirstDeployment,
      removalPolicy: removalPolicyOf(isProtected),
    });
  }

  private bucket({ names, isProtected = true }: EventStorageProps): Bucket {
    return new Bucket(this, "Bodies", {
      bucketName: names.bucketOf("bodies"),
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      // An object is written once, under a name made of its content and its end, and the sweeper removes it after that:
      // an earlier version would always be equal, and keep what was to be forgotten.
      versioned: false,
      // Which objects have expired their names say, and the sweeper reads it: periods differ from source to source.
      // What tasks are handed they have read within hours, or never will.
      lifecycleRules: [
        { abortIncompleteMultipartUploadAfter: Duration.days(1) },
        { prefix: HANDED, expiration: Duration.days(2) },
      ],
      removalPolicy: removalPolicyOf(isProtected),
      autoDeleteObjects: !isProtected,
    });
  }
}
