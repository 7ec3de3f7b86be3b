import type { Setting } from "../../schema/index.ts";
import { environmentName, fileVariableName } from "./setting.ts";
import { settings } from "./settings.ts";

/** The reference page of all settings, as Markdown. */
export function renderReference(): string {
  const entries = Object.entries(settings) as [string, Setting][];
  const groups = [...new Set(entries.map(([, setting]) => setting.group))];
  const sections = groups.map((group) => {
    const rows = entries.filter(([, setting]) => setting.group === group).map(row);
    return `## ${group}\n\n| setting | environment | default | values | what it does |\n| --- | --- | --- | --- | --- |\n${rows.join("\n")}\n`;
  });
  return `# Configuration\n\n<!-- Written by infra/config/write-reference.ts from settings.ts: do not edit. -->\n\nA setting comes from a flag (\`--home\`, \`--port\`, …), else its environment variable, else the configuration file,\nelse its default. The file is one JSON object; \`--config FILE\` or \`MILLRACE_CONFIG\` names it, else it is\n\`millrace.config.json\` in the current folder or the home folder. \`millrace config print\` shows what is in force and\nwhere it came from, \`millrace config check\` names every problem.\n\nSecrets are never printed and have no flag. A variable with \`_FILE\` behind its name says in which file the value\nstands, as containers get their secrets.\n\nState is kept in terms of some settings: the windows of page views, revenue and anomalies, the session gap, and what bounds\nlate events (\`outOfOrdernessMs\`, \`allowedLatenessMs\`, \`tickMs\`, \`dedupeBucketMs\`, \`dedupeHorizonMs\`). A task whose checkpoint was made\nwith others refuses to go on (\`state-of-other-settings\`): set them back, or replay the events into a fresh home.\n\n${sections.join("\n")}`;
}

function row([key, setting]: [string, Setting]): string {
  const file = fileVariableName(key, setting) === null ? "" : ", …`_FILE`";
  return `| \`${key}\` | \`${environmentName(key)}\`${file} | ${defaultOf(setting)} | ${values(setting)} | ${setting.doc} |`;
}

function defaultOf({ default: value }: Setting): string {
  return String(value) === "" ? "none" : `\`${value}\``;
}

function values(setting: Setting): string {
  switch (setting.type) {
    case "text":
      return "text";
    case "secret":
      return "secret";
    case "list":
      return setting.form;
    case "url":
      return setting.schemes.map((scheme) => `${scheme}://`).join(", ");
    case "boolean":
      return "true, false";
    case "choice":
      return setting.choices.join(", ");
    default:
      return `${setting.min} to ${setting.max}${setting.unit === null ? "" : ` ${setting.unit}`}`;
  }
}
