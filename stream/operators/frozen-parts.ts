import { JsonWriter } from "../sinks/json-writer.ts";

/** Dead bytes above which the kept texts are moved together, unless more is alive. */
const DEAD_BYTES_MIN = 1 << 20;
const NONE = -1;

/** JSON texts of users in one buffer, for values that cannot be made again; each is kept until dropped. */
export class FrozenParts {
  private texts = new JsonWriter(new Uint8Array(1 << 12));
  private starts = new Int32Array(1024).fill(NONE);
  private ends = new Int32Array(1024);
  private users: number[] = [];
  private live = 0;

  has(user: number): boolean {
    return this.live > 0 && user < this.starts.length && this.starts[user] !== NONE;
  }

  set(user: number, write: (out: JsonWriter) => void): void {
    this.drop(user);
    this.ensure(user);
    this.moveTogether();
    this.starts[user] = this.texts.length;
    write(this.texts);
    this.ends[user] = this.texts.length;
    this.live += this.ends[user] - this.starts[user];
    this.users.push(user);
  }

  copyTo(user: number, out: JsonWriter): void {
    out.copy(this.texts.bytes, this.starts[user], this.ends[user]);
  }

  drop(user: number): void {
    if (!this.has(user)) return;
    this.live -= this.ends[user] - this.starts[user];
    this.starts[user] = NONE;
    if (this.live > 0) return;
    this.texts.length = 0;
    this.users = [];
  }

  private moveTogether(): void {
    const dead = this.texts.length - this.live;
    if (dead < Math.max(DEAD_BYTES_MIN, this.live)) return;
    const moved = new JsonWriter(new Uint8Array(this.live * 2));
    const users = new Set(this.users.filter((user) => this.starts[user] !== NONE));
    for (const user of users) {
      const start = moved.length;
      moved.copy(this.texts.bytes, this.starts[user], this.ends[user]);
      this.starts[user] = start;
      this.ends[user] = moved.length;
    }
    this.texts = moved;
    this.users = [...users];
  }

  private ensure(user: number): void {
    if (user < this.starts.length) return;
    const starts = new Int32Array(Math.max(user + 1, this.starts.length * 2)).fill(NONE);
    starts.set(this.starts);
    this.starts = starts;
    const ends = new Int32Array(starts.length);
    ends.set(this.ends);
    this.ends = ends;
  }
}
