import { Query, Resolver } from "type-graphql";
import type { PipelineService } from "./service.ts";
import { PipelineState } from "./type.ts";

@Resolver()
export class PipelineResolver {
  private readonly service: PipelineService;

  constructor(service: PipelineService) {
    this.service = service;
  }

  @Query(() => PipelineState, { description: "What the stream is doing, with lag and watermark." })
  pipelineStatus(): PipelineState {
    return this.service.state();
  }
}
