import type DataLoader from "dataloader";
import type { Resend } from "../../../stream/index.ts";
import type { AlertHub } from "../alerts/hub.ts";
import type { ProductActivityLoader } from "../products/activity-loader.ts";
import type { Product } from "../products/type.ts";
import type { Caller, NoCaller } from "./caller.ts";

/** What one operation's resolvers share. */
export interface ApiContext {
  readonly alertHub: AlertHub;
  readonly caller: Caller | NoCaller;
  /** Products by id, one lake query for all that an operation asks for at once. */
  readonly products: DataLoader<string, Product | null>;
  readonly productActivity: ProductActivityLoader;
  /** What dead letters were sent again, by their keys, one look for all that an operation asks for at once. */
  readonly deadLetterResends: DataLoader<string, Resend | null>;
  /** Tells a slow subscriber where it got to and closes its socket; absent over HTTP. */
  readonly closeSlow?: (error: Error) => void;
}
