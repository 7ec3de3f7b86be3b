/** What a purchase event adds to its order. */
export interface OrderLine {
  /** Event time, ms. */
  readonly timeMs: number;
  /** Id of category and currency. */
  readonly key: number;
  readonly currency: number;
  readonly amountMinor: number;
}

/** What orders and payments say of an order, each the earliest of its kind; `Infinity` where none came. Times in ms. */
export interface OrderMarks {
  /** Cancelled or refunded. */
  readonly voidTime: number;
  /** A payment failed. */
  readonly failTime: number;
  /** A payment was authorized or captured. */
  readonly successTime: number;
  /** Payments that became refunded. */
  readonly refunds: readonly {
    readonly timeMs: number;
    readonly currency: number;
    readonly amountMinor: number;
  }[];
}

/** An amount subtracted under a key at a time; below zero where a subtraction is taken back. */
export interface Booking {
  readonly timeMs: number;
  readonly key: number;
  readonly amountMinor: number;
}

/**
 * What is to be subtracted for an order, a function of its lines and marks alone. At any time it is, of
 * each currency, the gross so far where the order is void or its payment has failed for good, else what was
 * refunded so far, the lines that were bought first before later ones; a booking is the change of that.
 * What becomes known with an event so changes no booking of before the event's own time, of which the
 * windows may have closed.
 *
 * @param compare order of keys, for shares of an amount that cannot be divided
 */
export function refundBookings(
  lines: readonly OrderLine[],
  marks: OrderMarks,
  failedAfterMs: number,
  compare: (a: number, b: number) => number,
): Booking[] {
  const bookings: Booking[] = [];
  for (const [currency, own] of groupsOf(lines, (line) => line.currency)) {
    const refunds = marks.refunds.filter((refund) => refund.currency === currency);
    const { voidTime, failTime, successTime } = marks;
    const failedTime = failTime + failedAfterMs;
    const changes = [voidTime, failedTime, successTime, ...refunds.map(({ timeMs }) => timeMs)].filter(
      Number.isFinite,
    );
    const refundedAt = (at: number): number => {
      if (voidTime <= at || (failedTime <= at && successTime > at)) return Number.POSITIVE_INFINITY;
      return refunds.reduce(
        // Who keeps accounts writes what goes back as a negative amount.
        (sum, { timeMs, amountMinor }) => sum + (timeMs <= at ? Math.abs(amountMinor) : 0),
        0,
      );
    };
    let boughtBefore = 0;
    for (const [boughtMs, together] of groupsOf(own, (line) => line.timeMs).sort(([a], [b]) => a - b)) {
      const byKey = grossByKey(together).sort(([a], [b]) => compare(a, b));
      const gross = byKey.reduce((sum, [, amount]) => sum + amount, 0);
      const times = new Set(changes.map((timeMs) => Math.max(timeMs, boughtMs)));
      let before = byKey.map(() => 0);
      for (const timeMs of [...times].sort((a, b) => a - b)) {
        const refunded = refundedAt(timeMs);
        const amount =
          refunded === Number.POSITIVE_INFINITY
            ? gross
            : Math.min(Math.max(gross, 0), Math.max(refunded - boughtBefore, 0));
        const shares = sharesOf(amount, byKey, gross);
        for (const [i, share] of shares.entries()) {
          if (share !== before[i])
            bookings.push({ timeMs, key: byKey[i][0], amountMinor: share - before[i] });
        }
        before = shares;
      }
      boughtBefore += Math.max(gross, 0);
    }
  }
  return bookings;
}

function groupsOf(
  lines: readonly OrderLine[],
  of: (line: OrderLine) => number,
): [group: number, lines: OrderLine[]][] {
  const groups = new Map<number, OrderLine[]>();
  for (const line of lines) {
    const group = groups.get(of(line));
    if (group === undefined) groups.set(of(line), [line]);
    else group.push(line);
  }
  return [...groups];
}

function grossByKey(lines: readonly OrderLine[]): [key: number, amountMinor: number][] {
  const byKey = new Map<number, number>();
  for (const { key, amountMinor } of lines) byKey.set(key, (byKey.get(key) ?? 0) + amountMinor);
  return [...byKey];
}

/** An amount over keys in proportion to their gross; the shares add up to it exactly. */
function sharesOf(amount: number, own: readonly (readonly [number, number])[], gross: number): number[] {
  if (amount === gross) return own.map(([, of]) => of);
  let upTo = 0;
  let given = 0;
  return own.map(([, of]) => {
    upTo += of;
    // Products of two amounts may be beyond 2^53.
    const share = Number((BigInt(amount) * BigInt(upTo)) / BigInt(gross)) - given;
    given += share;
    return share;
  });
}
