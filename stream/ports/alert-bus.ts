export const ALERT_STATUSES = ["raised", "retracted"] as const;
export const ALERT_SEVERITIES = ["low", "medium", "high"] as const;

/** An alert. The id is derived from rule, key and window or order: a replay makes the same alert again. */
export interface Alert {
  readonly id: string;
  /** 1, or higher for a correction or retraction of the same id. */
  readonly revision: number;
  readonly status: (typeof ALERT_STATUSES)[number];
  /** `flash-sale`, `order-velocity`, `high-propensity`, … */
  readonly kind: string;
  readonly severity: (typeof ALERT_SEVERITIES)[number];
  readonly title: string;
  readonly userId: string | null;
  readonly productId: string | null;
  readonly orderId: string | null;
  /** Event time the alert is about (end of the window, time of the order), ms. */
  readonly eventTime: number;
  readonly windowStart: number | null;
  readonly windowEnd: number | null;
  /** Figures of the rule, by name. */
  readonly figures: Readonly<Record<string, number | string>>;
}

/** Tells an alert, in each of its revisions, from all others. */
export function alertRecordId({ id, revision }: Alert): string {
  return `${revision}/${id}`;
}

export interface PositionedAlert {
  readonly alert: Alert;
  /** Opaque; a subscription after this cursor goes on with the next alert. */
  readonly cursor: string;
}

export interface AlertBus {
  /**
   * Gets ready to publish, for a bus whose first alert else waits until it has read those that are there. Rejects
   * where that fails; publishing then tries it again.
   */
  prepare?(): Promise<void>;
  /** Appends alerts; one whose id and revision is already there is dropped. */
  publish(alerts: readonly Alert[]): Promise<void>;
  /**
   * Alerts after the cursor (`null`: only new ones; `"begin"`: all that are kept), without loss or
   * repeat. Throws with code `cursor-gap` where retention has dropped what the cursor needs.
   */
  subscribe(after: string | null, signal: AbortSignal): AsyncIterable<PositionedAlert>;
  /** The cursor behind which the oldest alert that is kept comes, or the next one that is published. */
  position(of: "oldest" | "next"): Promise<string>;
  close(): Promise<void>;
}
