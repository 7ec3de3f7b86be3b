// Makes `npx millrace` and npm scripts find the command in a checkout: npm links the commands of
// dependencies into node_modules/.bin, but not those of the package itself. Run by `npm ci`.
import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..");
const bin = join(root, "node_modules", ".bin");

if (existsSync(join(root, "node_modules"))) {
  mkdirSync(bin, { recursive: true });
  const link = join(bin, "millrace");
  rmSync(link, { force: true });
  if (process.platform === "win32") {
    writeFileSync(`${link}.cmd`, '@node "%~dp0\\..\\..\\infra\\cli\\millrace.mjs" %*\r\n');
  } else {
    symlinkSync(join("..", "..", "infra", "cli", "millrace.mjs"), link);
  }
}
