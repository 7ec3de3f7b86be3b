import "reflect-metadata";
import { type GraphQLSchema, lexicographicSortSchema } from "graphql";
import { buildSchemaSync } from "type-graphql";
import type { QueryEngine } from "../../lakehouse/index.ts";
import type { ModelRegistry } from "../../ml/index.ts";
import type { DeadLetterResends, EventLog, HotStore, PipelineStatus } from "../../stream/index.ts";
import { AlertsResolver } from "../modules/alerts/resolver.ts";
import { AlertsService } from "../modules/alerts/service.ts";
import { AlertsSubscription } from "../modules/alerts/subscription.ts";
import { AnomaliesResolver } from "../modules/anomalies/resolver.ts";
import { AnomaliesService } from "../modules/anomalies/service.ts";
import { type Role, requireRole } from "../modules/common/caller.ts";
import type { ApiContext } from "../modules/common/context.ts";
import { LakeReader } from "../modules/common/lake-reader.ts";
import { DeadLettersResolver } from "../modules/dead-letters/resolver.ts";
import { DeadLettersService } from "../modules/dead-letters/service.ts";
import { ForecastsResolver } from "../modules/forecasts/resolver.ts";
import { ForecastsService } from "../modules/forecasts/service.ts";
import { FraudResolver } from "../modules/fraud/resolver.ts";
import { FraudService } from "../modules/fraud/service.ts";
import { FunnelResolver } from "../modules/funnel/resolver.ts";
import { FunnelService } from "../modules/funnel/service.ts";
import { InventoryResolver } from "../modules/inventory/resolver.ts";
import { InventoryService } from "../modules/inventory/service.ts";
import { ModelsResolver } from "../modules/models/resolver.ts";
import { ModelsService } from "../modules/models/service.ts";
import { OrdersResolver } from "../modules/orders/resolver.ts";
import { OrdersService } from "../modules/orders/service.ts";
import { PipelineResolver } from "../modules/pipeline/resolver.ts";
import { PipelineService } from "../modules/pipeline/service.ts";
import { PopularProductsService } from "../modules/products/popular-service.ts";
import { PopularProductsResolver, ProductsResolver } from "../modules/products/resolver.ts";
import { ProductsService } from "../modules/products/service.ts";
import { PropensityResolver } from "../modules/propensity/resolver.ts";
import { PropensityService } from "../modules/propensity/service.ts";
import { QualityResolver } from "../modules/quality/resolver.ts";
import { QualityService } from "../modules/quality/service.ts";
import { RecommendationsResolver } from "../modules/recommendations/resolver.ts";
import { RecommendationsService } from "../modules/recommendations/service.ts";
import { ReportsResolver } from "../modules/reports/resolver.ts";
import { ReportsService } from "../modules/reports/service.ts";
import { RevenueResolver } from "../modules/revenue/resolver.ts";
import { RevenueService } from "../modules/revenue/service.ts";
import { RulesResolver } from "../modules/rules/resolver.ts";
import { RulesService } from "../modules/rules/service.ts";
import { SessionsResolver } from "../modules/sessions/resolver.ts";
import { SessionsService } from "../modules/sessions/service.ts";
import { UsersResolver } from "../modules/users/resolver.ts";
import { UsersService } from "../modules/users/service.ts";

const RESOLVERS = [
  AlertsResolver,
  AlertsSubscription,
  AnomaliesResolver,
  DeadLettersResolver,
  ForecastsResolver,
  FraudResolver,
  FunnelResolver,
  InventoryResolver,
  ModelsResolver,
  OrdersResolver,
  PipelineResolver,
  PopularProductsResolver,
  ProductsResolver,
  PropensityResolver,
  QualityResolver,
  RecommendationsResolver,
  ReportsResolver,
  RevenueResolver,
  RulesResolver,
  SessionsResolver,
  UsersResolver,
] as const;

export interface SchemaPorts {
  readonly queryEngine: QueryEngine;
  readonly hotStore: HotStore;
  readonly pipeline: PipelineStatus;
  readonly models: ModelRegistry;
  readonly eventLog: EventLog;
  readonly resends: DeadLetterResends;
  readonly clock: () => number;
}

export interface ApiSchema {
  readonly schema: GraphQLSchema;
  readonly products: ProductsService;
  readonly deadLetters: DeadLettersService;
}

/** The executable schema, its resolvers wired to services over the ports. */
export function createApiSchema(ports: SchemaPorts): ApiSchema {
  const { queryEngine, hotStore, pipeline, models, eventLog, resends, clock } = ports;
  const lake = new LakeReader(queryEngine, pipeline);
  const products = new ProductsService(lake);
  const deadLetters = new DeadLettersService(lake, resends);
  const sessions = new SessionsService(lake);
  const propensity = new PropensityService(lake, hotStore);
  const popular = new PopularProductsService(lake, hotStore);
  const instances = [
    new AlertsResolver(new AlertsService(lake)),
    new AlertsSubscription(),
    new AnomaliesResolver(new AnomaliesService(lake)),
    new DeadLettersResolver(deadLetters),
    new FraudResolver(new FraudService(lake, hotStore)),
    new FunnelResolver(new FunnelService(lake, hotStore)),
    new InventoryResolver(new InventoryService(lake, hotStore)),
    new ModelsResolver(new ModelsService(lake, models)),
    new OrdersResolver(new OrdersService(lake)),
    new PipelineResolver(new PipelineService(pipeline)),
    new PopularProductsResolver(popular),
    new ProductsResolver(products),
    new ForecastsResolver(new ForecastsService(lake, hotStore)),
    new PropensityResolver(propensity),
    new QualityResolver(new QualityService(lake, clock)),
    new RecommendationsResolver(new RecommendationsService(lake, hotStore, popular)),
    new ReportsResolver(new ReportsService(lake, clock)),
    new RevenueResolver(new RevenueService(lake, hotStore)),
    new RulesResolver(new RulesService(lake, eventLog, clock)),
    new SessionsResolver(sessions),
    new UsersResolver(new UsersService(lake, hotStore), sessions, propensity),
  ];
  const byClass = new Map<unknown, object>(instances.map((instance) => [instance.constructor, instance]));
  return { schema: buildSchema((resolver) => byClass.get(resolver)), products, deadLetters };
}

/** The schema without anything behind it: for its SDL. */
export function describeApiSchema(): GraphQLSchema {
  return buildSchema(() => undefined);
}

function buildSchema(instanceOf: (resolver: unknown) => object | undefined): GraphQLSchema {
  const schema = buildSchemaSync({
    resolvers: [...RESOLVERS],
    container: { get: instanceOf },
    // Arguments are checked by the services, which know the limits.
    validate: false,
    authChecker: ({ context }: { readonly context: ApiContext }, roles: Role[]) =>
      requireRole(context.caller, roles) !== null,
    // type-graphql asks for one as soon as there is a subscription; ours bring their own source.
    pubSub: {
      publish: () => undefined,
      subscribe: () => {
        throw new Error("Subscriptions follow the alert hub, not a pub-sub.");
      },
    },
  });
  return lexicographicSortSchema(schema);
}
