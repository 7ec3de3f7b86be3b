import { Args, Query, Resolver } from "type-graphql";
import type { QualityService } from "./service.ts";
import { DataQualityArgs, DataQualityReport } from "./type.ts";

@Resolver()
export class QualityResolver {
  private readonly service: QualityService;

  constructor(service: QualityService) {
    this.service = service;
  }

  @Query(() => DataQualityReport, { description: "The newest result of every check of the lake's tables." })
  dataQuality(@Args(() => DataQualityArgs) args: DataQualityArgs): Promise<DataQualityReport> {
    return this.service.newest(args);
  }
}
