/** What EventBridge tells of an execution that has ended, or goes on. */
export function anExecutionChange(detail: Record<string, unknown>): string {
  return JSON.stringify({
    version: "0",
    id: "315c1398-40ff-a850-213b-158f73e60175",
    "detail-type": "Step Functions Execution Status Change",
    source: "aws.states",
    account: "123456789012",
    time: "2026-11-20T10:00:05Z",
    region: "eu-west-1",
    resources: [],
    detail: {
      executionArn: `arn:aws:states:eu-west-1:123456789012:execution:fulfil:${detail.name}`,
      stateMachineArn: "arn:aws:states:eu-west-1:123456789012:stateMachine:fulfil",
      status: "SUCCEEDED",
      startDate: 1_763_632_800_000,
      stopDate: 1_763_632_805_000,
      input: null,
      inputDetails: { included: false },
      output: null,
      outputDetails: null,
      error: null,
      cause: null,
      ...detail,
    },
  });
}

/** What EventBridge tells of a task. */
export function aTaskChange(detail: Record<string, unknown>): string {
  return JSON.stringify({
    version: "0",
    id: "105f6bbb-4da6-c630-4965-35383018cbca",
    "detail-type": "ECS Task State Change",
    source: "aws.ecs",
    account: "123456789012",
    time: "2026-11-20T10:00:05Z",
    region: "eu-west-1",
    resources: ["arn:aws:ecs:eu-west-1:123456789012:task/builds/7f4a4b2d"],
    detail: {
      clusterArn: "arn:aws:ecs:eu-west-1:123456789012:cluster/builds",
      containers: [
        { name: "build", exitCode: 0, lastStatus: "STOPPED" },
        { name: "logs", exitCode: 143, lastStatus: "STOPPED" },
      ],
      desiredStatus: "STOPPED",
      lastStatus: "STOPPED",
      overrides: { containerOverrides: [{ name: "build" }] },
      startedAt: "2026-11-20T10:00:00.000Z",
      stoppedAt: "2026-11-20T10:00:05.000Z",
      stopCode: "EssentialContainerExited",
      stoppedReason: "Essential container in task exited",
      taskArn: "arn:aws:ecs:eu-west-1:123456789012:task/builds/7f4a4b2d",
      taskDefinitionArn: "arn:aws:ecs:eu-west-1:123456789012:task-definition/builder:7",
      ...detail,
    },
  });
}
