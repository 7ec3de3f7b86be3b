import { Counter, Gauge, type Registry } from "prom-client";
import type { TableSize } from "./table-sizes.ts";

/** How the maintenance of a process goes, and how large the tables were behind its last round. */
export class MaintenanceMetrics {
  private readonly succeededAt: Gauge;
  private readonly seconds: Gauge;
  private readonly failures: Counter;
  private readonly sizes: Readonly<Record<"files" | "rows" | "bytes", Gauge>>;
  private readonly clock: () => number;

  constructor(registry: Registry, options: { readonly intervalMs: number; readonly clock: () => number }) {
    const { intervalMs, clock } = options;
    const registers = [registry];
    const gauge = (name: string, help: string, labelNames: string[] = []): Gauge =>
      new Gauge({ name: `millrace_${name}`, help, labelNames, registers });
    this.clock = clock;
    this.succeededAt = gauge(
      "maintenance_success_timestamp_seconds",
      "When compaction, expiry and clean-up of all tables last came to their end; before that, the start.",
    );
    this.succeededAt.set(clock() / 1000);
    this.seconds = gauge("maintenance_duration_seconds", "How long that took.");
    gauge("maintenance_interval_seconds", "Time between the rounds, by the settings.").set(intervalMs / 1000);
    this.failures = new Counter({
      name: "millrace_maintenance_failures_total",
      help: "Rounds that failed.",
      registers,
    });
    const size = (name: string, what: string): Gauge =>
      gauge(`table_${name}`, `${what} of a table, behind the last round of maintenance.`, ["table"]);
    this.sizes = {
      files: size("files", "Data files"),
      rows: size("rows", "Rows"),
      bytes: size("bytes", "Bytes of the data files"),
    };
  }

  succeeded(durationMs: number, tables: readonly TableSize[]): void {
    this.succeededAt.set(this.clock() / 1000);
    this.seconds.set(durationMs / 1000);
    for (const { table, ...size } of tables)
      for (const name of ["files", "rows", "bytes"] as const) this.sizes[name].set({ table }, size[name]);
  }

  failed(): void {
    this.failures.inc();
  }
}
