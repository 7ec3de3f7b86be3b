import { ArgsType, Field, InputType, Int, ObjectType, registerEnumType } from "type-graphql";
import { DateTime, Long } from "../common/scalars.ts";
import { connectionOf, Freshness, PageArgs } from "../common/types.ts";

export const ResendOutcome = {
  SENT: "sent",
  ALREADY_SENT: "already-sent",
  REFUSED: "refused",
  NOT_FOUND: "not-found",
} as const;
export type ResendOutcome = (typeof ResendOutcome)[keyof typeof ResendOutcome];

registerEnumType(ResendOutcome, {
  name: "ResendOutcome",
  description: "What became of a dead letter that was to be sent again.",
  valuesConfig: {
    SENT: { description: "The log has the event." },
    ALREADY_SENT: { description: "It was sent before, as `resend` says; nothing was sent now." },
    REFUSED: { description: "It would be refused again, as `refusal` says; nothing was sent." },
    NOT_FOUND: { description: "The lake has no letter of that id, or not yet." },
  },
});

@ObjectType({ description: "A refused record, as received.", simpleResolvers: true })
export class DeadLetterPayload {
  @Field(() => String, { nullable: true, description: "Null where the bytes are no UTF-8." })
  text!: string | null;

  @Field(() => String, { description: "The same bytes, base64." })
  base64!: string;

  @Field(() => Long, { description: "Size of the record as received, in bytes." })
  bytes!: number;

  @Field(() => Boolean, { description: "Whether `text` and `base64` are only its beginning." })
  isCut!: boolean;
}

@ObjectType({ description: "That a dead letter was sent again.", simpleResolvers: true })
export class DeadLetterResend {
  @Field(() => DateTime)
  resentTime!: number;

  @Field(() => String, { description: "The name of the API key, or of the user of the command." })
  resentBy!: string;

  @Field(() => String, { nullable: true })
  note!: string | null;

  @Field(() => String, { description: "Id of the event that was sent, in the letter's topic." })
  resentEventId!: string;

  @Field(() => Boolean, { description: "Whether the event differs from what had been received." })
  isRepaired!: boolean;
}

@ObjectType({ description: "A record that no contract took.", simpleResolvers: true })
export class DeadLetter {
  @Field(() => String, { description: "`TOPIC-PARTITION-OFFSET`: where the log has it." })
  id!: string;

  @Field(() => String)
  topic!: string;

  @Field(() => Int)
  partition!: number;

  @Field(() => Long)
  offset!: number;

  @Field(() => DateTime, { description: "When the log took it." })
  receivedTime!: number;

  @Field(() => String, { description: "Stable code, such as `wrong-type`." })
  reason!: string;

  @Field(() => String, {
    nullable: true,
    description: "The field concerned; null where the whole record is.",
  })
  field!: string | null;

  @Field(() => String, { description: "What was found and what was expected." })
  message!: string;

  @Field(() => DeadLetterPayload)
  payload!: DeadLetterPayload;

  /** By which what was sent again knows it. */
  key!: string;
}

export const DeadLetterConnection = connectionOf(DeadLetter, "DeadLetter");

@InputType({ description: "All given conditions must hold." })
export class DeadLetterFilter {
  @Field(() => String, { nullable: true })
  topic?: string | null;

  @Field(() => String, { nullable: true })
  reason?: string | null;

  @Field(() => DateTime, { nullable: true, description: "Letters received at or after it." })
  from?: number | null;

  @Field(() => DateTime, { nullable: true, description: "Letters received before it." })
  to?: number | null;

  @Field(() => Boolean, {
    nullable: true,
    description:
      "Only those that were sent again, or were not, as the lake knows: what was sent a moment ago it has with the next checkpoint. Takes no `asOf`.",
  })
  isResent?: boolean | null;
}

@ArgsType()
export class DeadLettersArgs extends PageArgs {
  @Field(() => DeadLetterFilter, { nullable: true })
  filter?: DeadLetterFilter | null;
}

@ObjectType({ description: "Dead letters of one topic and reason.", simpleResolvers: true })
export class DeadLetterCount {
  @Field(() => String)
  topic!: string;

  @Field(() => String)
  reason!: string;

  @Field(() => Long)
  letters!: number;

  @Field(() => Long, { description: "Of these, how many were sent again." })
  resent!: number;

  @Field(() => DateTime, { description: "When the first of them was received." })
  firstTime!: number;

  @Field(() => DateTime, { description: "When the last of them was received." })
  lastTime!: number;
}

@ObjectType({ description: "Dead letters by topic and reason.", simpleResolvers: true })
export class DeadLetterSummary {
  @Field(() => [DeadLetterCount], { description: "Most letters first." })
  rows!: readonly DeadLetterCount[];

  @Field(() => Long, { description: "Sum over the rows." })
  letters!: number;

  @Field(() => Long, { description: "Sum over the rows." })
  resent!: number;

  @Field(() => Freshness)
  freshness!: Freshness;
}

@ObjectType({ description: "Why a dead letter was not sent again.", simpleResolvers: true })
export class DeadLetterRefusal {
  @Field(() => String, {
    description:
      "As of dead letters; `incomplete-record` where only its beginning was kept, `platform-record` in topics that the platform alone writes.",
  })
  reason!: string;

  @Field(() => String, { nullable: true })
  field!: string | null;

  @Field(() => String)
  message!: string;
}

@ObjectType({ description: "What became of a dead letter that was to be sent again.", simpleResolvers: true })
export class ResendResult {
  @Field(() => String, { description: "The letter's." })
  id!: string;

  @Field(() => ResendOutcome)
  outcome!: ResendOutcome;

  @Field(() => DeadLetterResend, { nullable: true, description: "With SENT and ALREADY_SENT." })
  resend!: DeadLetterResend | null;

  @Field(() => DeadLetterRefusal, { nullable: true, description: "With REFUSED." })
  refusal!: DeadLetterRefusal | null;
}

@InputType({
  description: "A dead letter to send again, repaired or, without a payload, as it was received.",
})
export class ResendInput {
  @Field(() => String)
  id!: string;

  @Field(() => String, { nullable: true, description: "The repaired event, as JSON." })
  payload?: string | null;

  @Field(() => String, {
    nullable: true,
    description: "The repaired record as bytes, base64; for Avro. In place of `payload`.",
  })
  payloadBase64?: string | null;
}

@ArgsType()
export class NoteArgs {
  @Field(() => String, { nullable: true, description: "For the record, at most 1,000 characters." })
  note?: string | null;
}

@ArgsType()
export class ResendDeadLetterArgs extends NoteArgs {
  @Field(() => ResendInput)
  letter!: ResendInput;
}

@ArgsType()
export class ResendDeadLettersArgs extends NoteArgs {
  @Field(() => [ResendInput], { description: "At most 200." })
  letters!: readonly ResendInput[];
}
