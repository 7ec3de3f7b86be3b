import { Gauge, type Registry } from "prom-client";

/** Adds a gauge without labels, whose value is asked for at each look at the metrics. */
export function addGauge(registry: Registry, name: string, help: string, value: () => number): void {
  const gauge: Gauge = new Gauge({
    name,
    help,
    registers: [registry],
    collect: () => gauge.set(value()),
  });
}
