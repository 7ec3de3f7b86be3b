import { liveAlerts } from "./live-alerts.ts";

// node main.ts [URL] [CURSOR]: prints alerts until Ctrl-C.
const [url = "ws://127.0.0.1:4000/graphql", after] = process.argv.slice(2);
const interrupted = (why: string) => process.stderr.write(`interrupted: ${why}; trying again\n`);
for await (const { cursor, severity, status, title } of liveAlerts(url, after, interrupted)) {
  process.stdout.write(`${cursor} ${severity} ${status} ${title}\n`);
}
