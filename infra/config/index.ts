export * from "./api-keys.ts";
export * from "./api-settings.ts";
export * from "./authorities.ts";
export * from "./load-config.ts";
export * from "./setting.ts";
export * from "./settings.ts";
export * from "./time-config.ts";
