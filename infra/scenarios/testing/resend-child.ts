import { byteLines } from "../../../stream/index.ts";
import { LetterSender } from "../../cli/letter-sender.ts";
import { loadConfig } from "../../config/index.ts";
import { deadLetterResendsOf } from "../../platform/dead-letter-resends.ts";
import { Platform } from "../../platform/platform.ts";
import { CollectedLog } from "./scenario-home.ts";

// What `dead-letters resend --from -` does, as a process of its own that runs from the sources.
const { config } = loadConfig({ environment: process.env, folder: process.cwd(), flags: {} });
const platform = await Platform.open(config, new CollectedLog(), { runsWorkers: false, makesHome: false });
try {
  const sender = new LetterSender(deadLetterResendsOf(platform), { resentBy: "bob", note: null });
  const never = new AbortController().signal;
  for await (const lines of byteLines(process.stdin, config.recordBytesMax)) await sender.take(lines, never);
  await sender.flush();
  process.stdout.write(JSON.stringify(sender.report));
} finally {
  await platform.close();
}
