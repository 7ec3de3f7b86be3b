import { Args, Query, Resolver } from "type-graphql";
import type { Page } from "../common/types.ts";
import type { AnomaliesService } from "./service.ts";
import { AnomaliesArgs, type Anomaly, AnomalyConnection, MetricArgs, MetricSeries } from "./type.ts";

@Resolver()
export class AnomaliesResolver {
  private readonly service: AnomaliesService;

  constructor(service: AnomaliesService) {
    this.service = service;
  }

  @Query(() => AnomalyConnection, { description: "Metrics far from their own season, newest first." })
  anomalies(@Args(() => AnomaliesArgs) args: AnomaliesArgs): Promise<Page<Anomaly>> {
    return this.service.list(args);
  }

  @Query(() => MetricSeries, { description: "A watched metric by window, beside what its season says." })
  metric(@Args(() => MetricArgs) args: MetricArgs): Promise<MetricSeries> {
    return this.service.series(args);
  }
}
