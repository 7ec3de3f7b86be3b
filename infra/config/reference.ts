import { environmentName, type Setting } from "./setting.ts";
import { settings } from "./settings.ts";

/** The reference page of all settings, as Markdown. */
export function renderReference(): string {
  const entries = Object.entries(settings) as [string, Setting][];
  const groups = [...new Set(entries.map(([, setting]) => setting.group))];
  const sections = groups.map((group) => {
    const rows = entries.filter(([, setting]) => setting.group === group).map(row);
    return `## ${group}\n\n| setting | environment | default | values | what it does |\n| --- | --- | --- | --- | --- |\n${rows.join("\n")}\n`;
  });
  return `# Configuration\n\n<!-- Written by infra/config/write-reference.ts from settings.ts: do not edit. -->\n\nA setting comes from a flag (\`--home\`, \`--port\`, …), else its environment variable, else \`millrace.config.json\`\nin the current folder or the home folder, else its default. \`millrace config print\` shows what is in force and\nwhere it came from, \`millrace config check\` names every problem.\n\n${sections.join("\n")}`;
}

function row([key, setting]: [string, Setting]): string {
  return `| \`${key}\` | \`${environmentName(key)}\` | \`${setting.default}\` | ${values(setting)} | ${setting.doc} |`;
}

function values(setting: Setting): string {
  switch (setting.type) {
    case "text":
      return "text";
    case "boolean":
      return "true, false";
    case "choice":
      return setting.choices.join(", ");
    default:
      return `${setting.min} to ${setting.max}${setting.unit === null ? "" : ` ${setting.unit}`}`;
  }
}
