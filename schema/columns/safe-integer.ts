/** An integer, cut to what a double holds exactly: ±(2^53 - 1). */
export function safeInteger(value: number): number {
  return Math.min(Math.max(value, Number.MIN_SAFE_INTEGER), Number.MAX_SAFE_INTEGER);
}
