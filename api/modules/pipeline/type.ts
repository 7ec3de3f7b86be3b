import { Field, Int, ObjectType, registerEnumType } from "type-graphql";
import { DateTime, Long } from "../common/scalars.ts";

export const TaskState = {
  STARTING: "starting",
  RECOVERING: "recovering",
  RUNNING: "running",
  STOPPING: "stopping",
  STOPPED: "stopped",
  FAILED: "failed",
  UNKNOWN: "unknown",
} as const;
export type TaskState = (typeof TaskState)[keyof typeof TaskState];

registerEnumType(TaskState, {
  name: "TaskState",
  description: "What a task is doing; UNKNOWN where those who run it could not be asked for some time.",
});

@ObjectType({ description: "One partition that a task reads.", simpleResolvers: true })
export class TaskInput {
  @Field(() => String)
  topic!: string;

  @Field(() => Int)
  partition!: number;

  @Field(() => Long, { description: "Next offset to process." })
  position!: number;

  @Field(() => Long, { description: "Offset after the newest record of the log." })
  endOffset!: number;

  @Field(() => Long, { description: "Records in the log that are not processed yet." })
  lag!: number;
}

@ObjectType({
  description: "Events of a task since it started, by what became of them.",
  simpleResolvers: true,
})
export class EventCounts {
  @Field(() => Long)
  processed!: number;

  @Field(() => Long, { description: "Sent to the dead letters." })
  refused!: number;

  @Field(() => Long)
  duplicates!: number;

  @Field(() => Long, { description: "Behind the watermark, within the allowed lateness." })
  late!: number;

  @Field(() => Long, { description: "Beyond the allowed lateness: in bronze and silver only." })
  tooLate!: number;
}

@ObjectType({
  description: "A unit of the stream's work: its partitions, state and checkpoint.",
  simpleResolvers: true,
})
export class PipelineTask {
  @Field(() => String)
  id!: string;

  @Field(() => TaskState)
  state!: TaskState;

  @Field(() => Boolean, {
    description: "Whether it stopped with an error; the log of the server says which.",
  })
  failed!: boolean;

  @Field(() => [TaskInput])
  inputs!: readonly TaskInput[];

  @Field(() => Long, { description: "Sum over the inputs." })
  lag!: number;

  @Field(() => DateTime, {
    nullable: true,
    description:
      "Event time up to which it has seen everything; null before the first event and after the end of input.",
  })
  watermark!: number | null;

  @Field(() => Long, { description: "Number of its newest checkpoint." })
  epoch!: number;

  @Field(() => DateTime, { nullable: true })
  checkpointedAt!: number | null;

  @Field(() => EventCounts)
  events!: EventCounts;
}

@ObjectType({
  description: "What the stream is doing: its tasks, and how far they have come.",
  simpleResolvers: true,
})
export class PipelineState {
  @Field(() => [PipelineTask])
  tasks!: readonly PipelineTask[];

  @Field(() => Long, { description: "Sum over the tasks." })
  lagTotal!: number;

  @Field(() => DateTime, { nullable: true, description: "Lowest of the tasks' watermarks." })
  watermark!: number | null;
}
