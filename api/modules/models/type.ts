import { ArgsType, Field, Float, Int, ObjectType } from "type-graphql";
import { DateTime, Long } from "../common/scalars.ts";
import { Freshness } from "../common/types.ts";

@ObjectType({ description: "A figure of an evaluation, beside the naive baseline's.", simpleResolvers: true })
export class ModelFigure {
  @Field(() => String)
  name!: string;

  @Field(() => Float)
  model!: number;

  @Field(() => Float)
  baseline!: number;
}

@ObjectType({ description: "A trained version of a plugin's model.", simpleResolvers: true })
export class ModelVersion {
  @Field(() => String)
  version!: string;

  @Field(() => String, { nullable: true, description: "`champion`, `challenger`, or null." })
  alias!: string | null;

  @Field(() => DateTime)
  trainedAt!: number;

  @Field(() => Int)
  trainRows!: number;

  @Field(() => [ModelFigure], { description: "On later rows than those it was trained on." })
  figures!: readonly ModelFigure[];

  @Field(() => Float, { nullable: true, description: "Time of a score where it was trained, microseconds." })
  scoreMicros!: number | null;
}

@ObjectType({
  description: "An entry of the audit: who moved an alias, when and why.",
  simpleResolvers: true,
})
export class ModelChange {
  @Field(() => Int)
  sequence!: number;

  @Field(() => DateTime)
  at!: number;

  @Field(() => String)
  by!: string;

  @Field(() => String, { description: "`challenge`, `promote` or `rollback`." })
  action!: string;

  @Field(() => String)
  alias!: string;

  @Field(() => String, { nullable: true, description: "Null is the built-in model." })
  from!: string | null;

  @Field(() => String, { nullable: true, description: "Null is the built-in model." })
  to!: string | null;

  @Field(() => String)
  reason!: string;

  @Field(() => Boolean, { description: "Promoted although the gate said no." })
  forced!: boolean;
}

@ObjectType({ description: "The models of a plugin.", simpleResolvers: true })
export class PluginModels {
  @Field(() => String)
  plugin!: string;

  @Field(() => String, { nullable: true, description: "Null: the built-in model scores." })
  champion!: string | null;

  @Field(() => String, { nullable: true, description: "Scores in shadow." })
  challenger!: string | null;

  @Field(() => [ModelVersion], { description: "Newest first, at most 100." })
  versions!: readonly ModelVersion[];

  @Field(() => [ModelChange], { description: "Newest first, at most 100." })
  changes!: readonly ModelChange[];
}

@ArgsType()
export class PluginModelsArgs {
  @Field(() => String, { description: "`propensity`, `fraud` or `recommend`." })
  plugin!: string;
}

@ObjectType({
  description: "How little a feature's distribution moved since training.",
  simpleResolvers: true,
})
export class FeatureStability {
  @Field(() => String)
  feature!: string;

  @Field(() => Float, { description: "Population stability index: below .1 little moved, above .25 much." })
  index!: number;
}

@ObjectType({ description: "A model's sampled scores of a window, over all tasks.", simpleResolvers: true })
export class ModelHealthWindow {
  @Field(() => String)
  modelVersion!: string;

  @Field(() => DateTime, { description: "Inclusive." })
  windowStart!: number;

  @Field(() => DateTime, { description: "Exclusive." })
  windowEnd!: number;

  @Field(() => Long, { description: "Scores sampled." })
  scores!: number | bigint;

  @Field(() => Float, { nullable: true })
  scoreMean!: number | null;

  @Field(() => Float, {
    nullable: true,
    description: "Population stability index of the scores, mean over the tasks; null without a model card.",
  })
  scoreStability!: number | null;

  @Field(() => [FeatureStability], { description: "Of the task that sampled most; the least stable first." })
  featureStability!: readonly FeatureStability[];

  @Field(() => Long, { description: "Sampled scores whose label became known." })
  labels!: number | bigint;

  @Field(() => Long, { description: "Of them, those that came true." })
  positives!: number | bigint;

  @Field(() => Float, { nullable: true, description: "At the threshold of the plugin." })
  precision!: number | null;

  @Field(() => Float, { nullable: true, description: "At the threshold of the plugin." })
  recall!: number | null;

  @Field(() => Float, { nullable: true })
  calibrationError!: number | null;

  @Field(() => String, { nullable: true })
  challengerVersion!: string | null;

  @Field(() => Float, {
    nullable: true,
    description: "Time of a score, beside the challenger's, microseconds.",
  })
  championMicros!: number | null;

  @Field(() => Float, { nullable: true })
  challengerMicros!: number | null;
}

@ObjectType({ description: "How a plugin's models fared on live traffic.", simpleResolvers: true })
export class ModelHealthReport {
  @Field(() => [ModelHealthWindow], { description: "Newest first." })
  windows!: readonly ModelHealthWindow[];

  @Field(() => Freshness)
  freshness!: Freshness;
}

@ArgsType()
export class ModelHealthArgs extends PluginModelsArgs {
  @Field(() => DateTime, { description: "Inclusive." })
  from!: number;

  @Field(() => DateTime, { description: "Exclusive." })
  to!: number;

  @Field(() => String, { nullable: true, description: "Snapshot of the table to answer from." })
  asOf?: string | null;
}
