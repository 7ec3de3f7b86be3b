import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { alertOf, TestApi } from "../../server/api.fixture.ts";

const QUERY = `subscription ($filter: AlertFilter, $after: String) { alerts(filter: $filter, after: $after) {
  cursor id revision status kind severity title productId eventTime figures { name number text } } }`;

interface Event {
  readonly cursor: string;
  readonly id: string;
}

describe("alerts subscription", () => {
  let api: TestApi;
  beforeAll(async () => {
    api = await TestApi.start();
  });
  afterAll(() => api.stop());

  /** The first alerts that a subscription gives; `ready` runs once it is open. */
  async function take(
    count: number,
    variables: Record<string, unknown>,
    ready?: () => Promise<void>,
  ): Promise<Event[]> {
    const client = api.client();
    const iterator = client.iterate<{ alerts: Event }>({ query: QUERY, variables });
    const events: Event[] = [];
    const first = iterator.next();
    await ready?.();
    for (let result = await first; !result.done; result = await iterator.next()) {
      expect(result.value.errors).toBeUndefined();
      events.push(result.value.data!.alerts);
      if (events.length === count) break;
    }
    await iterator.return?.();
    await client.dispose();
    return events;
  }

  it("resumes behind a cursor, without loss or repeat", async () => {
    const alerts = Array.from({ length: 50 }, () => alertOf());
    await api.alertBus.publish(alerts.slice(0, 30));
    const seen = await take(10, { after: "begin" });
    const more = alerts.slice(30);
    const rest = await take(40, { after: seen[9].cursor }, async () => {
      for (const alert of more) await api.alertBus.publish([alert]);
    });
    expect([...seen, ...rest].map(({ id }) => id)).toEqual(alerts.map(({ id }) => id));
  });
});
