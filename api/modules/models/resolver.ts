import { Args, Query, Resolver } from "type-graphql";
import type { ModelsService } from "./service.ts";
import { ModelHealthArgs, ModelHealthReport, PluginModels, PluginModelsArgs } from "./type.ts";

@Resolver()
export class ModelsResolver {
  private readonly service: ModelsService;

  constructor(service: ModelsService) {
    this.service = service;
  }

  @Query(() => PluginModels, { description: "Versions of a plugin's models, their aliases and the audit." })
  models(@Args(() => PluginModelsArgs) { plugin }: PluginModelsArgs): Promise<PluginModels> {
    return this.service.models(plugin);
  }

  @Query(() => ModelHealthReport, {
    description: "How a plugin's models fared on live traffic, window by window, from the lake.",
  })
  modelHealth(@Args(() => ModelHealthArgs) args: ModelHealthArgs): Promise<ModelHealthReport> {
    return this.service.health(args);
  }
}
