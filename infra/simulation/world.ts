import type { AlertBus, EventLog, HotStore } from "../../stream/index.ts";
import type { Network } from "./link.ts";
import type { SimulatedProcess } from "./process.ts";
import { SimAlertBus, StoredAlerts } from "./sim-alert-bus.ts";
import { SimCatalog, StoredTables } from "./sim-catalog.ts";
import { SimEventLog } from "./sim-event-log.ts";
import { SimHotStore, StoredHotValues } from "./sim-hot-store.ts";
import { SimObjectStore, StoredObjects } from "./sim-object-store.ts";
import { StoredLog } from "./stored-log.ts";

export interface SimulatedPorts {
  readonly log: EventLog;
  readonly hotStore: HotStore;
  readonly alertBus: AlertBus;
  readonly objects: SimObjectStore;
  readonly catalog: SimCatalog;
}

/** The servers: what they hold outlives every process, and they themselves never fall. */
export class World {
  readonly network: Network;
  readonly log = new StoredLog();
  readonly objects = new StoredObjects();
  readonly tables = new StoredTables();
  readonly hot = new StoredHotValues();
  readonly alerts = new StoredAlerts();

  constructor(network: Network) {
    this.network = network;
  }

  /** A process's connections. */
  connect(process: SimulatedProcess): SimulatedPorts {
    const { network } = this;
    return {
      log: new SimEventLog(this.log, network, process),
      hotStore: new SimHotStore(this.hot, network, process),
      alertBus: new SimAlertBus(this.alerts, network, process),
      objects: new SimObjectStore(this.objects, network, process),
      catalog: new SimCatalog(this.tables, network, process),
    };
  }
}
