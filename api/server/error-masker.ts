import { randomUUID } from "node:crypto";
import {
  type FormattedExecutionResult,
  GraphQLError,
  type GraphQLFormattedError,
  isValueNode,
} from "graphql";
import { MillraceError } from "../../schema/index.ts";
import { AlertStreamError } from "../modules/alerts/alert-stream-error.ts";
import type { ApiLogger } from "./logger.ts";

/** Errors of parsing, validation and requests: the caller's, and safe to show. */
const PROTOCOL_CODES = new Set([
  "GRAPHQL_PARSE_FAILED",
  "GRAPHQL_VALIDATION_FAILED",
  "BAD_USER_INPUT",
  "BAD_REQUEST",
  "OPERATION_RESOLUTION_FAILURE",
  "PERSISTED_QUERY_NOT_SUPPORTED",
]);

/** What graphql's validation tells of the schema to who guesses names. */
const SUGGESTION = / ?Did you mean .+\?$/;

/**
 * Turns any error into what a caller may see: `extensions.code` is stable, `extensions.origin` says
 * whose fault it is. What is not the caller's is logged whole under a reference, and only that is shown.
 */
export function createErrorMasker(
  logger: ApiLogger,
  options: { readonly hideSchema: boolean },
): (error: unknown) => GraphQLFormattedError {
  return (error) => {
    const graphqlError = error instanceof GraphQLError ? error : null;
    const cause = rootCause(error);
    const place = {
      ...(graphqlError?.locations && { locations: graphqlError.locations }),
      ...(graphqlError?.path && { path: graphqlError.path }),
    };
    if (cause instanceof MillraceError && cause.origin === "user")
      return { message: cause.message, ...place, extensions: userExtensions(cause) };
    const code = graphqlError?.extensions.code;
    if (cause instanceof GraphQLError && graphqlError !== null && isCallers(graphqlError, cause)) {
      return {
        message: options.hideSchema ? graphqlError.message.replace(SUGGESTION, "") : graphqlError.message,
        ...place,
        extensions: { code: code ?? requestCode(graphqlError), origin: "user" },
      };
    }
    const reference = randomUUID();
    logger.error({ err: cause, reference, path: graphqlError?.path }, "api error");
    return { ...masked(cause, reference), ...place };
  };
}

function userExtensions(error: MillraceError): Record<string, unknown> {
  return {
    code: error.code,
    origin: error.origin,
    retry: error.retry,
    ...(error instanceof AlertStreamError && { cursor: error.cursor }),
  };
}

function masked(cause: unknown, reference: string): GraphQLFormattedError {
  if (cause instanceof MillraceError && cause.origin === "external") {
    return {
      message: `Something that this answer needs is not available. Try again; if it stays, report the reference ${reference}.`,
      extensions: { ...userExtensions(cause), reference },
    };
  }
  return {
    message: `Internal error. Report the reference ${reference}.`,
    extensions: { code: "internal", origin: "internal", retry: false, reference },
  };
}

/** The error under GraphQL's wrappings: what a resolver or a stream threw. */
function rootCause(error: unknown): unknown {
  let cause = error;
  while (cause instanceof GraphQLError && cause.originalError) cause = cause.originalError;
  return cause;
}

/** An error that graphql or a scalar of ours made about the request, not one about a resolver's result. */
function isCallers(error: GraphQLError, cause: GraphQLError): boolean {
  const { code } = error.extensions;
  if (typeof code === "string") return PROTOCOL_CODES.has(code) || error.extensions.origin === "user";
  return error.path === undefined || isOfArgument(cause);
}

/**
 * Whether graphql found an argument's value bad while it ran the field, such as null in a variable of an
 * argument that takes none. It points at the value; at fields, or at nothing, for a bad result.
 */
function isOfArgument({ nodes }: GraphQLError): boolean {
  return nodes !== undefined && nodes.length > 0 && nodes.every(isValueNode);
}
/** Only an error of a field has a path: of the caller's, that is an argument's value. */
function requestCode({ path }: GraphQLError): string {
  return path === undefined ? "GRAPHQL_VALIDATION_FAILED" : "BAD_USER_INPUT";
}

/** An execution result with its errors masked; for transports that do not mask by themselves. */
export function maskResult(
  result: { readonly errors?: readonly GraphQLError[] | undefined },
  mask: (error: unknown) => GraphQLFormattedError,
): FormattedExecutionResult {
  const { errors, ...rest } = result;
  return { ...rest, ...(errors && { errors: errors.map(mask) }) } as FormattedExecutionResult;
}
