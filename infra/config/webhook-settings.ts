import type { ChoiceSetting, Setting } from "../../schema/index.ts";
import { webhookSecretOf } from "../../stream/index.ts";
import { environmentName } from "./setting.ts";
import type { Config } from "./settings.ts";

const group = "Webhook";

const severities: ChoiceSetting<"low" | "medium" | "high"> = {
  type: "choice",
  choices: ["low", "medium", "high"],
  default: "low",
  group,
  doc: "Least severity of the alerts that are sent.",
};

/** Where alerts are sent, by the `up` process. */
export const webhookSettings = {
  webhookUrl: {
    type: "secret",
    group,
    default: "",
    doc: "Address that alerts are posted to as JSON, in order, each until it is taken (any answer 2xx); none without it. Of several `up` processes of one platform, one has it.",
  },
  webhookSecret: {
    type: "secret",
    group,
    default: "",
    doc: "What messages are signed with, after Standard Webhooks: `whsec_` and 24 to 64 random bytes in base64.",
  },
  webhookSeverityMin: severities,
} as const satisfies Record<string, Setting>;

/** What is wrong with them; problems show no address, which often has a secret in it. */
export function webhookProblems({ webhookUrl, webhookSecret }: Config): string[] {
  if (webhookUrl === "") return [];
  const problems: string[] = [];
  const url = URL.canParse(webhookUrl) ? new URL(webhookUrl) : null;
  if (url === null || !/^https?:$/.test(url.protocol))
    problems.push("webhookUrl must be an address that begins with http:// or https://");
  else if (url.username !== "" || url.password !== "")
    problems.push("webhookUrl must hold no user and no password: messages are signed");
  if (webhookSecretOf(webhookSecret) === null) {
    const name = environmentName("webhookSecret");
    problems.push(
      `webhookSecret must be whsec_ and 24 to 64 bytes in base64: set ${name} to what \`echo whsec_$(openssl rand -base64 32)\` prints`,
    );
  }
  return problems;
}
