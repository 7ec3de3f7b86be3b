import { ApolloServer, type ApolloServerPlugin } from "@apollo/server";
import {
  ApolloServerPluginLandingPageDisabled,
  ApolloServerPluginSchemaReportingDisabled,
  ApolloServerPluginUsageReportingDisabled,
} from "@apollo/server/plugin/disabled";
import { GraphQLError, type GraphQLFormattedError, type GraphQLSchema } from "graphql";
import type { ApiContext } from "../modules/common/context.ts";
import type { ApiConfig } from "./config.ts";
import { exceededLimit } from "./document-limits.ts";
import type { ApiLogger } from "./logger.ts";

interface ApolloDeps {
  readonly schema: GraphQLSchema;
  readonly config: ApiConfig;
  readonly logger: ApiLogger;
  readonly mask: (error: unknown) => GraphQLFormattedError;
}

/** GraphQL over HTTP. Nothing of it calls home, whatever the environment holds. */
export function createApollo({ schema, config, logger, mask }: ApolloDeps): ApolloServer<ApiContext> {
  const log = (level: "info" | "warn" | "error") => (message: unknown) =>
    logger[level]({ message: String(message) }, "graphql server");
  return new ApolloServer<ApiContext>({
    schema,
    introspection: !config.production,
    includeStacktraceInErrorResponses: false,
    csrfPrevention: true,
    allowBatchedHttpRequests: false,
    persistedQueries: false,
    parseOptions: { maxTokens: config.tokensMax },
    formatError: (formatted, error) => keepCode(mask(error), formatted),
    stopOnTerminationSignals: false,
    logger: { debug: () => undefined, info: log("info"), warn: log("warn"), error: log("error") },
    plugins: [
      noSubscriptionsPlugin,
      limitsPlugin(schema, config),
      ApolloServerPluginLandingPageDisabled(),
      ApolloServerPluginSchemaReportingDisabled(),
      ApolloServerPluginUsageReportingDisabled(),
    ],
  });
}

/** Apollo would run a subscription once, as a query, on nothing. */
const noSubscriptionsPlugin: ApolloServerPlugin<ApiContext> = {
  async requestDidStart() {
    return {
      async didResolveOperation({ operation }) {
        if (operation?.operation !== "subscription") return;
        throw new GraphQLError(
          "A subscription is not served over HTTP: send it over a WebSocket to the same address, as graphql-ws does (protocol graphql-transport-ws).",
          { extensions: { code: "subscription-over-http", origin: "user", http: { status: 400 } } },
        );
      },
    };
  },
};

function limitsPlugin(schema: GraphQLSchema, config: ApiConfig): ApolloServerPlugin<ApiContext> {
  return {
    async requestDidStart() {
      return {
        async didResolveOperation({ document, request, operationName }) {
          const measured = { document, operationName, variables: request.variables ?? {} };
          const error = exceededLimit(schema, measured, config);
          if (error !== null) throw error;
        },
      };
    },
  };
}

/** Apollo refines some codes of its own (a bad variable is BAD_USER_INPUT) only in its formatting. */
function keepCode(masked: GraphQLFormattedError, formatted: GraphQLFormattedError): GraphQLFormattedError {
  const code = formatted.extensions?.code;
  if (masked.extensions?.code !== "GRAPHQL_VALIDATION_FAILED" || code === undefined) return masked;
  if (code === "INTERNAL_SERVER_ERROR") return masked;
  return { ...masked, extensions: { ...masked.extensions, code } };
}
