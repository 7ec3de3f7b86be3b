export * from "./alert-webhook.ts";
export { type WebhookMessage, webhookHeaders, webhookSecretOf } from "./webhook-message.ts";
