import { writeFileSync } from "node:fs";
import { renderReference } from "./reference.ts";

writeFileSync(new URL("./reference.md", import.meta.url), renderReference());
