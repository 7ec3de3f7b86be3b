export * from "./setting.ts";
