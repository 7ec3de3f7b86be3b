import { afterAll, beforeAll, expect, it } from "vitest";
import { alertOf, TestApi } from "../../../api/server/api.fixture.ts";
import { type LiveAlert, liveAlerts } from "./live-alerts.ts";

let api: TestApi;
beforeAll(async () => {
  api = await TestApi.start();
});
afterAll(() => api.stop());

async function firstOf(alerts: AsyncGenerator<LiveAlert>): Promise<LiveAlert> {
  for await (const alert of alerts) return alert;
  throw new Error("the subscription ended without an alert");
}

it("follows alerts, and goes on behind a cursor", async () => {
  await api.alertBus.publish(["first", "second"].map((title) => alertOf({ id: title, title })));
  const first = await firstOf(liveAlerts(api.socketUrl(), "begin"));
  expect(first).toMatchObject({ id: "first", title: "first", status: "RAISED" });
  expect(await firstOf(liveAlerts(api.socketUrl(), first.cursor))).toMatchObject({ title: "second" });
});

it("says what the server refused", async () => {
  await expect(firstOf(liveAlerts(api.socketUrl(), "nonsense"))).rejects.toThrow(/cursor/);
});
