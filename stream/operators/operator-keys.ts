import type { KeyDictionary } from "../../schema/index.ts";
import type { OperatorOutputs } from "../runtime/operator.ts";

/** Dictionaries of the keys that operators keep state by; shared by all operators of a task. */
export interface OperatorKeys {
  readonly userId: KeyDictionary;
  readonly productId: KeyDictionary;
  readonly categoryId: KeyDictionary;
}

export interface OperatorDeps {
  readonly keys: OperatorKeys;
  readonly outputs: OperatorOutputs;
}
