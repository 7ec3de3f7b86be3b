import { catalogContract } from "../../lakehouse/ports/catalog.contract.ts";
import { objectStoreContract } from "../../lakehouse/ports/object-store.contract.ts";
import { alertBusContract } from "../../stream/ports/alert-bus.contract.ts";
import { eventLogContract, eventLogRetentionContract } from "../../stream/ports/event-log.contract.ts";
import { hotStoreContract } from "../../stream/ports/hot-store.contract.ts";
import { type Faults, noFaults, onlyDelays } from "./faults.ts";
import { SimulatedProcess } from "./process.ts";
import { Scheduler } from "./scheduler.ts";
import { Trace } from "./trace.ts";
import { World } from "./world.ts";

const SEED = 7;
const NOON = Date.UTC(2026, 0, 5, 12);

/** A world whose time runs by itself, for callers that only await answers. */
function liveWorld(faults: Faults) {
  const scheduler = new Scheduler(SEED, NOON);
  const world = new World({ scheduler, trace: new Trace(), faults });
  let processes = 0;
  const connect = () => world.connect(new SimulatedProcess(`p${++processes}`, scheduler));
  scheduler.pump();
  return { world, scheduler, connect, dispose: async () => scheduler.stopPump() };
}

for (const [weather, faults] of [
  ["at once", noFaults],
  ["delayed and out of order", onlyDelays],
] as const) {
  objectStoreContract(`simulated, ${weather}`, async () => {
    const { connect, dispose } = liveWorld(faults);
    return { store: connect().objects, remove: dispose };
  });

  catalogContract(`simulated, ${weather}`, async () => {
    const { connect, dispose } = liveWorld(faults);
    const { catalog, objects } = connect();
    return {
      catalog,
      open: () => connect().catalog,
      namespace: "gold",
      location: (table) => objects.uri(table),
      remove: dispose,
    };
  });

  hotStoreContract(`simulated, ${weather}`, async () => {
    const { connect, scheduler, dispose } = liveWorld(faults);
    return {
      store: connect().hotStore,
      prefix: "",
      elapse: async (ms) => scheduler.spend(ms),
      reopen: async () => connect().hotStore,
      dispose,
    };
  });

  alertBusContract(`simulated, ${weather}`, async () => {
    const { world, connect, dispose } = liveWorld(faults);
    return {
      bus: connect().alertBus,
      expireAll: async () => world.alerts.expireAll(),
      reopen: async () => connect().alertBus,
      dispose,
    };
  });

  eventLogContract(`simulated, ${weather}`, async () => {
    const { connect, dispose } = liveWorld(faults);
    return { log: connect().log, prefix: "", reopen: async () => connect().log, dispose };
  });
}

eventLogRetentionContract("simulated", async () => {
  const { connect, scheduler, dispose } = liveWorld(noFaults);
  scheduler.nowMs = 0;
  return {
    log: connect().log,
    prefix: "",
    setNow: (ms) => {
      scheduler.nowMs = ms;
    },
    reopen: async () => connect().log,
    dispose,
  };
});
