import type { ContractField, EventContract } from "../contract.ts";

/** Makes random and damaged records for the decoder's tests; everything follows from the seed. */
export class RecordMaker {
  private state: number;

  constructor(seed: number) {
    this.state = seed | 0;
  }

  /** Mulberry32 (Tommy Ettinger, public domain): uniform in [0, 1). */
  random(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  int(below: number): number {
    return Math.floor(this.random() * below);
  }

  chance(probability: number): boolean {
    return this.random() < probability;
  }

  pick<T>(items: readonly T[]): T {
    return items[this.int(items.length)];
  }

  /** An event that the contract takes. */
  event(contract: EventContract): Record<string, unknown> {
    const event: Record<string, unknown> = {};
    for (const field of contract.fields) {
      if (field.nullable && this.chance(0.5)) {
        if (this.chance(0.2)) event[field.name] = null;
      } else {
        event[field.name] = this.value(field);
      }
    }
    return event;
  }

  private value(field: ContractField): unknown {
    const { min, max } = field;
    switch (field.type) {
      case "string":
        return this.text(field.nullable ? 0 : 1);
      case "enum":
        return this.pick(field.symbols ?? []);
      case "boolean":
        return this.chance(0.5);
      case "json":
        return this.chance(0.5) ? this.list(2) : this.object(2);
      case "double":
        return this.pick([0, 0.1, -2.5e-7, 1e300, 123456.789, 5, Number.MIN_VALUE]);
      default: {
        const low = min ?? 0;
        const high = max ?? 2 ** 31;
        return this.chance(0.1)
          ? this.pick([low, high])
          : Math.max(low, Math.min(high, this.int(10 ** this.int(16))));
      }
    }
  }

  private text(lengthMin: number): string {
    if (this.chance(0.003)) return "x".repeat(this.pick([60, 61, 256, 257, 8192, 8193]));
    if (this.chance(0.7))
      return `${this.pick(["u", "p-", "session ", "\ufeffu"])}${this.int(10 ** this.int(10))}`;
    const parts = [
      "a",
      " ",
      "!",
      '"',
      "\\",
      "/",
      "\n",
      "\u0000",
      "\u001f",
      "\u007f",
      "é",
      "ж",
      "€",
      "漢",
      "😀",
      "\u2028",
      "\ud83d",
      "\ufeff",
    ];
    return Array.from({ length: lengthMin + this.int(12) }, () => this.pick(parts)).join("");
  }

  private list(depth: number): unknown[] {
    return Array.from({ length: this.int(4) }, () => this.anything(depth));
  }

  private object(depth: number): Record<string, unknown> {
    return Object.fromEntries(
      Array.from({ length: this.int(4) }, () => [this.text(0), this.anything(depth)]),
    );
  }

  /** Any JSON value; numbers of every notation come from {@link spell}. */
  anything(depth: number): unknown {
    switch (this.int(depth > 0 ? 8 : 6)) {
      case 0:
        return null;
      case 1:
        return this.chance(0.5);
      case 2:
        return this.pick([
          0,
          -0,
          -1,
          5.5,
          1e21,
          2 ** 53,
          2 ** 53 - 1,
          2 ** 31,
          -(2 ** 31) - 1,
          253402300800000,
        ]);
      case 3:
        return this.int(1e9);
      case 6:
        return this.list(depth - 1);
      case 7:
        return this.object(depth - 1);
      default:
        return this.text(0);
    }
  }

  /** The event as JSON text in one of the ways in which producers write it, sane ones mostly. */
  json(event: Readonly<Record<string, unknown>>): string {
    const members = Object.entries(event).map(([name, value]) => [name, value] as [string, unknown]);
    if (this.chance(0.05)) members.push([this.pick(members.map(([name]) => name)), this.anything(1)]);
    while (this.chance(0.15))
      members.splice(this.int(members.length), 0, [
        this.pick(["x", "appVersion", "событие", "__proto__", ""]),
        this.anything(2),
      ]);
    if (this.chance(0.1)) for (const member of members) if (this.chance(0.2)) member[1] = this.anything(1);
    if (this.chance(0.2)) members.sort(() => this.random() - 0.5);
    const style = this.random();
    const comma = style < 0.6 ? "," : style < 0.8 ? ", " : null;
    const space = () => (comma !== null ? "" : this.pick(["", " ", "\n  ", "\t", "\r\n"]));
    const text = members
      .map(
        ([name, value]) =>
          `${space()}${this.key(name)}${space()}:${comma === ", " ? " " : space()}${this.spell(value)}${space()}`,
      )
      .join(comma ?? ",");
    return `${space()}{${text}}${space()}`;
  }

  private key(name: string): string {
    return this.chance(0.01) && name !== ""
      ? `"\\u${name.charCodeAt(0).toString(16).padStart(4, "0")}${name.slice(1)}"`
      : JSON.stringify(name);
  }

  private spell(value: unknown): string {
    if (typeof value === "number" && this.chance(0.1)) {
      const forms = [
        `${value}.0`,
        `${value}e0`,
        value.toExponential(),
        `0${value}`,
        `+${value}`,
        `${value}.`,
        "-0",
        "1e999",
        "-",
        "12345678901234567890",
        "0.1e1",
      ];
      return this.pick(forms);
    }
    if (typeof value === "string" && this.chance(0.1)) {
      const escaped = Array.from(
        { length: value.length },
        (_, i) => `\\u${value.charCodeAt(i).toString(16).padStart(4, "0")}`,
      );
      return `"${escaped.join("")}"`;
    }
    if (typeof value === "string" && this.chance(0.05)) return JSON.stringify(value).replaceAll("/", "\\/");
    return JSON.stringify(value);
  }

  /** A copy with a few bytes changed, removed, inserted, repeated or cut off. */
  damage(record: Uint8Array): Uint8Array {
    let bytes = [...record];
    for (let n = 1 + this.int(3); n > 0; n--) {
      const at = this.int(bytes.length + 1);
      const odd = this.pick([
        0,
        0x22,
        0x5c,
        0x7b,
        0x7d,
        0x2c,
        0x3a,
        0x20,
        0x30,
        0x2d,
        0x65,
        0x80,
        0xc3,
        0x1f,
        0xed,
        0xff,
        this.int(256),
      ]);
      switch (this.int(5)) {
        case 0:
          bytes[Math.min(at, bytes.length)] = odd;
          break;
        case 1:
          bytes.splice(at, 1 + this.int(3));
          break;
        case 2:
          bytes.splice(at, 0, odd);
          break;
        case 3:
          bytes.splice(at, 0, ...bytes.slice(at, at + this.int(20)));
          break;
        default:
          if (this.chance(0.3)) bytes = bytes.slice(0, at);
      }
    }
    return Uint8Array.from(bytes);
  }
}
