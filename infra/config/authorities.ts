import { readFileSync } from "node:fs";
import { MillraceError } from "../../schema/index.ts";
import { environmentName } from "./setting.ts";
import type { Config } from "./settings.ts";

/** The PEM certificates in the file that a setting names. Throws `config-invalid` where there are none. */
export function readAuthorities(key: "kafkaCaFile" | "redisCaFile", config: Config): string {
  const file = config[key];
  const refuse = (why: string, cause?: unknown): MillraceError =>
    new MillraceError(`${key} (${environmentName(key)}) names ${file}, ${why}`, {
      code: "config-invalid",
      origin: "user",
      cause,
    });
  let pem: string;
  try {
    pem = readFileSync(file, "utf8");
  } catch (error) {
    throw refuse("which cannot be read", error);
  }
  // TLS would trust nobody, and say that the server's certificate is not known.
  if (!pem.includes("-----BEGIN CERTIFICATE-----")) throw refuse("which holds no certificate in PEM form");
  return pem;
}
