import { createApiServer } from "../../../api/index.ts";
import type { Rule } from "../../../stream/index.ts";
import { apiPortsOf } from "../../platform/api-ports.ts";
import type { Platform } from "../../platform/platform.ts";

const KEY = "0123456789abcdef";
/** Finds something in every shop. */
export const API_RULE: Rule = {
  id: "any-first-order",
  kind: "first-order",
  totalMinorMin: 0,
  severity: "low",
};
export const API_AUTHOR = "auditor";
export const API_REASON = "a scenario";

/** Adds {@link API_RULE} by the API's mutation, from the beginning of time on. */
export async function addRuleThroughApi(platform: Platform): Promise<void> {
  const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const api = await createApiServer({
    ...apiPortsOf(platform),
    logger: quiet,
    config: { port: 0, apiKeys: [{ name: API_AUTHOR, role: "operator", key: KEY }] },
  });
  try {
    const query = `mutation ($rule: String!, $reason: String) {
      setRule(rule: $rule, reason: $reason, effectiveFrom: "1970-01-01T00:00:00.001Z") { ruleId } }`;
    const response = await fetch(`${api.url}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${KEY}` },
      body: JSON.stringify({ query, variables: { rule: JSON.stringify(API_RULE), reason: API_REASON } }),
    });
    const { errors } = (await response.json()) as { readonly errors?: unknown };
    if (errors !== undefined) throw new Error(`setRule: ${JSON.stringify(errors)}`);
  } finally {
    await api.close();
  }
}
