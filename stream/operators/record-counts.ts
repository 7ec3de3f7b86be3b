import { StateSection } from "../../schema/index.ts";

const PROCESSED = 0;
const REFUSED = 1;

/** What became of the records that a task took, kept in its state: whoever takes the task over goes on counting. */
export class RecordCounts {
  readonly state = new StateSection("record-counts");
  private readonly counts = this.state.float64("counts");

  constructor() {
    this.counts.ensure(2);
  }

  get processed(): number {
    return this.counts.values[PROCESSED];
  }

  get refused(): number {
    return this.counts.values[REFUSED];
  }

  addProcessed(records: number): void {
    this.add(PROCESSED, records);
  }

  addRefused(records: number): void {
    this.add(REFUSED, records);
  }

  private add(what: number, records: number): void {
    if (records === 0) return;
    this.counts.values[what] += records;
    this.counts.mark(what);
  }
}
