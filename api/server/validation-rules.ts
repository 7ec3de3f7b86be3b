import { NoSchemaIntrospectionCustomRule, specifiedRules, type ValidationRule } from "graphql";

/** The rules of the specification, and no introspection in production. */
export function validationRules({ production }: { readonly production: boolean }): readonly ValidationRule[] {
  return production ? [...specifiedRules, NoSchemaIntrospectionCustomRule] : specifiedRules;
}
