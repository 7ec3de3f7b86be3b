export type { DecodingRules, ResendRefusal } from "./check-event.ts";
export * from "./dead-letter.ts";
export * from "./dead-letter-resends.ts";
export { bronzeDeadLetterResends, isResendOf, type Resend, type Resends } from "./resend-record.ts";
