/** Decimal digits that a double always keeps. */
const DOUBLE_DIGITS = 15;

/**
 * A decimal in the port's form: a number where a double holds all of its digits, else a bigint if it is
 * whole, else its text.
 */
export function decimalValue(text: string): number | bigint | string {
  const [whole, fraction = ""] = text.split(".");
  const tail = fraction.replace(/0+$/, "");
  const digits = `${whole}${tail}`.replace(/^-?0*/, "");
  if (digits.length <= DOUBLE_DIGITS) return Number(text);
  if (tail !== "") return text;
  const number = Number(whole);
  return Number.isSafeInteger(number) ? number : BigInt(whole);
}
