import { createRandom } from "../../training/random.ts";

/** Sessions that walk along a ring of items: mostly one step on, now and then back or far off. */
export function walkingSessions(
  count: number,
  options: { readonly items: number; readonly seed: number },
): number[][] {
  const random = createRandom(options.seed);
  return Array.from({ length: count }, () => {
    let item = Math.floor(options.items * random() ** 2);
    const session = [item];
    const length = 2 + Math.floor(6 * random());
    while (session.length < length) {
      const draw = random();
      if (draw < 0.6) item = (item + 1) % options.items;
      else if (draw < 0.85) item = session[Math.floor(session.length * random())];
      else item = Math.floor(options.items * random());
      session.push(item);
    }
    return session.map((position) => 10 * position + 7);
  });
}
