import type { Installer } from "./installer.ts";
import type { Tool } from "./tools.ts";

/** What a client needs to know of each server. Everything listens on this machine only. */
export interface Endpoints {
  readonly kafka: { readonly bootstrap: string };
  readonly minio: {
    readonly endpoint: string;
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly region: string;
    readonly bucket: string;
  };
  readonly redis: { readonly url: string };
  readonly postgres: {
    readonly host: string;
    readonly port: number;
    readonly user: string;
    readonly password: string;
    readonly database: string;
  };
  /** Table locations lie under `warehouse`, an `s3://` address in MinIO's bucket. */
  readonly catalog: { readonly uri: string; readonly warehouse: string };
  /** Base address of the Confluent-compatible API. */
  readonly registry: { readonly url: string };
  readonly trino: { readonly url: string; readonly catalog: string; readonly user: string };
}

export type ServerName = keyof Endpoints;

export interface PortPlan {
  /** Of `millrace servers`, unless the environment variable says otherwise. */
  readonly default: number;
  readonly environment: string;
  /** Of the tests: this many above their first port. */
  readonly test: number;
  /** How many ports it takes, from that one on. */
  readonly count: number;
}

/** One server that is to run: where it is installed, where it keeps its data, what it talks to. */
export interface Instance {
  /** Folder that {@link ServerSpec.install} filled. */
  readonly installed: string;
  /** Its own folder: configuration, data, log. */
  readonly folder: string;
  readonly port: number;
  /** More of its own settings, a line each, in its own form; they overrule those that it has by itself. */
  readonly settings?: readonly string[];
  /** Of a server that it needs. */
  endpoint<N extends ServerName>(name: N): Endpoints[N];
}

/** How the process is started. It stays in the foreground, so that its id is the server's. */
export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** User and group that it runs as, where it must not be root. */
  readonly runAs?: { readonly uid: number; readonly gid: number };
}

export interface ServerSpec<N extends ServerName = ServerName> {
  readonly name: N;
  readonly title: string;
  readonly version: string;
  readonly port: PortPlan;
  /** Servers that run before it does. */
  readonly needs: readonly ServerName[];
  /** What the machine has to have for installing it, and for running it. */
  readonly tools: { readonly install: readonly Tool[]; readonly run: readonly Tool[] };
  /** How long a first installation takes, for people who wait. */
  readonly installTakes: string;
  /** Time after which a start has failed, on a busy machine. */
  readonly startMsMax: number;
  /** Installs unless it is installed; the folder. */
  install(installer: Installer): Promise<string>;
  /** Writes its configuration into its folder; the same again for data that is there already. */
  prepare?(instance: Instance): Promise<void>;
  launch(instance: Instance): Launch | Promise<Launch>;
  /** Whether it does its work: answers as it will answer clients. May throw for no. */
  isReady(instance: Instance): Promise<boolean>;
  endpoint(instance: Pick<Instance, "port" | "endpoint">): Endpoints[N];
}
