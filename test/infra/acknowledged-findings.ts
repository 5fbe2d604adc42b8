/** A finding of cdk-nag that stays, where, and why. */
export type Acknowledged = {
  rule: string | RegExp;
  /** The construct's path without the stack's name. */
  at: RegExp;
  because: string;
};

const FUNCTIONS =
  /^(Routing\/(Router|DeadLetters|RuleDeadLetterTaker|Outcomes)|Replay\/Replayer|Sweeping\/(Sweeper|MoveSweeper|Guard)|Watching\/Watcher|Access\/(ComponentResource|Committer))\/Resource$/;
const SCHEDULED = "(Replay/Replayer|Sweeping/(Sweeper|MoveSweeper|Guard)|Watching/Watcher)";

export const acknowledged: readonly Acknowledged[] = [
  {
    rule: "AwsSolutions-S1",
    at: /^Storage\/Bodies\/Resource$/,
    because:
      "Turnout's functions alone read and write bodies, and the ledger says who got which event. An access log would be a " +
      "second bucket with an entry per large event; whoever has to keep one turns on CloudTrail's data events.",
  },
  {
    rule: /^AwsSolutions-SQS3$|^Serverless-SQSRedrivePolicy$/,
    at: /^Routing\/(RuleDeadLetters|DeadLetterQueue|OutcomeDeadLetters)\/Resource$/,
    because: "They are dead-letter queues themselves, each with an alarm on its first message.",
  },
  {
    rule: /^AwsSolutions-IAM5\[Resource::.*\/bodies\/\*\]$/,
    at: /^(Routing\/(Router|DeadLetters|RuleDeadLetterTaker)Role\/DefaultPolicy|Access\/ComponentResourceRole\/DefaultPolicy|Replay\/ReplayerRole\/DefaultPolicy|Sweeping\/(Sweeper|Guard)Role\/DefaultPolicy|Access\/(Viewer|Operator|OnCall))\/Resource$/,
    because: "Bodies are objects under one prefix of one bucket, named by what is in them.",
  },
  {
    rule: /^AwsSolutions-IAM5\[Resource::arn:.*:lambda:.*:function:(dev|prod)-\*\]$/,
    at: /^(Access\/(Viewer|Operator|OnCall|ComponentResourceRole\/DefaultPolicy)|Replay\/ReplayerRole\/DefaultPolicy|Sweeping\/(MoveSweeper|Guard)Role\/DefaultPolicy|Watching\/WatcherRole\/DefaultPolicy)\/Resource$/,
    because:
      "Components come and go without their environment's being deployed; their functions are called by its name, and by " +
      "it people and functions only look. Turnout's own functions get each component that they invoke or move by its ARN.",
  },
  {
    rule: /^AwsSolutions-IAM5\[Resource::arn:.*:lambda:.*:function:\*(:\*)?\]$/,
    at: /^Access\/(Operator|OnCall)\/Resource$/,
    because:
      "On condition of the tag that a component's function has of its own deployment. Nothing is told from its name, which " +
      "is whatever somebody has given it.",
  },
  {
    rule: /^AwsSolutions-IAM5\[Resource::arn:.*:logs:.*:log-group:\/aws\/lambda\/(dev|prod)-\*:\*\]$/,
    at: /^Access\/(Viewer|Operator|OnCall)\/Resource$/,
    because:
      "What components print is read by the environment's name, as their functions are called by it; they come and go " +
      "without their environment's being deployed.",
  },
  {
    rule: "AwsSolutions-IAM5[Resource::*]",
    at: /^Access\/(Viewer|Operator|OnCall)\/Resource$/,
    because:
      "What doctor reads of the account is no resource that has a name: its quota of concurrent executions, and the names " +
      "of its active task definitions.",
  },
  {
    rule: /^AwsSolutions-IAM5\[Resource::arn:.*:(sqs:.*:\*|states:.*:stateMachine:\*|ecs:.*:cluster\/\*)\]$/,
    at: /^Access\/(Viewer|Operator|OnCall)\/Resource$/,
    because:
      "Components of other deployments send to whatever queue, state machine or cluster they name; doctor only asks " +
      "whether it is there.",
  },
  {
    rule: "Serverless-LambdaDLQ",
    at: FUNCTIONS,
    because:
      "What they are called for stays elsewhere until it is done: in a queue with a dead-letter queue, in a store that " +
      "the next minute's call reads, or with CloudFormation, which is told the error.",
  },
  {
    rule: "Serverless-LambdaEventSourceMappingDestination",
    at: /^Routing\/(Router|DeadLetters|RuleDeadLetterTaker|Outcomes)\/Source\/Resource$/,
    because: "Lambda has these destinations for streams. A queue has its dead-letter queue.",
  },
  {
    rule: "Serverless-LambdaAsyncFailureDestination",
    at: new RegExp(`^${SCHEDULED}/EventInvokeConfig/Resource$`),
    because: "A call that fails asks for nothing that the next minute's doesn't; errors and missing calls have alarms.",
  },
  {
    rule: "Serverless-EventBusDLQ",
    at: new RegExp(`^${SCHEDULED}/EveryMinute/Resource$`),
    because: "A call that couldn't be made is made the next minute; five minutes without one ring an alarm.",
  },
  {
    rule: "Serverless-LambdaTracing",
    at: FUNCTIONS,
    because:
      "X-Ray's permissions are on everything, and it would be paid per batch. What happened to an event stands in the " +
      "ledger, and the publisher's traceparent goes with it.",
  },
];
