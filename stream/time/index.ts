export * from "./watermark.ts";
