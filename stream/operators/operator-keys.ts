import type { KeyDictionary } from "../../schema/index.ts";
import type { OperatorOutputs } from "../runtime/operator.ts";
import type { UserRecords } from "./user-records.ts";

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

/** For an operator with a part in the hot record of each user. */
export interface UserOperatorDeps extends OperatorDeps {
  readonly userRecords: UserRecords;
}
