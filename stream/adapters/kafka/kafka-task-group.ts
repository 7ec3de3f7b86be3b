import { AssignerProtocol } from "kafkajs";
import type { MillraceError } from "../../../schema/index.ts";
import type { TaskAssignment, TaskGroup, TaskMembership } from "../../ports/task-group.ts";
import { assignPartitions, type MemberClaim } from "./assign-partitions.ts";
import { backoffMs, KafkaClient, type KafkaConnectionOptions } from "./kafka-client.ts";
import { asKafkaError, KafkaError } from "./kafka-errors.ts";
import type { Broker, GroupMemberJoined } from "./kafkajs-internals.ts";
import { LatestValue } from "./latest-value.ts";
import { type KafkaWarning, OutageWarnings } from "./outage-warnings.ts";

export interface KafkaTaskGroupOptions {
  readonly connection: KafkaConnectionOptions;
  /**
   * Silence after which a member is held for dead; default 6000, the least that brokers take by
   * default (`group.min.session.timeout.ms`).
   */
  readonly sessionTimeoutMs?: number;
  /** How soon members hear of a change, and how often they may be late before they are dead; default 250. */
  readonly heartbeatMs?: number;
  /** Hears of failures that the member goes on trying to get over. */
  readonly warn?: (warning: KafkaWarning) => void;
}

const SESSION_TIMEOUT_MS = 6000;
const HEARTBEAT_MS = 250;
/** Name of the assignor; members of one group have to agree on it. */
const PROTOCOL = "millrace-sticky";
/** Longest that a member which leaves waits for an answer of the group. */
const LEAVE_MS_MAX = 3_000;
/** Longest that the coordinator waits for members to join again. */
const REBALANCE_TIMEOUT_MS = 10_000;
/** Longest that a request to join waits: the coordinator's own time, and its answer's way. */
const JOIN_MS_MAX = REBALANCE_TIMEOUT_MS + 5_000;
/** Time that an answer has in any case: a process that slept hears from the group what became of it. */
const ANSWER_MS_MIN = 250;
/** What Kafka says to a member that it holds for dead. */
const EXPELLED = new Set(["UNKNOWN_MEMBER_ID", "ILLEGAL_GENERATION", "FENCED_INSTANCE_ID"]);

/**
 * TaskGroup on Kafka's group protocol, with kafkajs' requests but a loop of its own: kafkajs'
 * consumer would fetch, which the log's readers do, and sends heartbeats between batches.
 * Heartbeats here follow a timer, so they need the event loop alone: a worker that computes for
 * longer than the session time-out without giving it up has to compute in another thread.
 */
export class KafkaTaskGroup implements TaskGroup {
  private readonly options: KafkaTaskGroupOptions;

  constructor(options: KafkaTaskGroupOptions) {
    this.options = options;
  }

  join(to: { readonly group: string; readonly topic: string; readonly partitions: number }): TaskMembership {
    return new Membership(this.options, to);
  }
}

interface Joined {
  readonly coordinator: Broker;
  readonly generation: number;
  readonly partitions: readonly number[];
}

class Membership implements TaskMembership {
  private readonly options: KafkaTaskGroupOptions;
  private readonly to: { readonly group: string; readonly topic: string; readonly partitions: number };
  /** Connections of its own: a request to join is answered when all have joined, and holds up what follows. */
  private readonly client: KafkaClient;
  private readonly warnings: OutageWarnings;
  private readonly latest = new LatestValue<TaskAssignment>();
  private readonly running: Promise<void>;
  private memberId = "";
  private standby: readonly number[] = [];
  /** Partitions that the worker may be working on, and the generation that gave them. */
  private owned: { readonly generation: number; readonly partitions: readonly number[] } = NOTHING;
  private leaving = false;
  /** When the group last answered, ms of a clock that only goes forward. */
  private heardAt = performance.now();
  private wake: (() => void) | null = null;

  constructor(
    options: KafkaTaskGroupOptions,
    to: { readonly group: string; readonly topic: string; readonly partitions: number },
  ) {
    this.options = options;
    this.to = to;
    this.client = new KafkaClient(options.connection);
    this.warnings = new OutageWarnings(options.warn ?? (() => undefined), () => performance.now());
    this.running = this.run();
  }

  get assignments(): AsyncIterable<TaskAssignment> {
    return this.latest.values((inEffect) => this.applied(inEffect));
  }

  standBy(partitions: readonly number[]): void {
    this.standby = partitions;
  }

  async leave(): Promise<void> {
    if (this.leaving) return this.running;
    this.leaving = true;
    this.wake?.();
    // The group notices by itself: nobody waits for brokers that do not answer.
    const timer = setTimeout(() => this.client.close(), LEAVE_MS_MAX);
    await this.running;
    clearTimeout(timer);
  }

  /** Joins, stays as long as the group does not change, joins again. */
  private async run(): Promise<void> {
    let failures = 0;
    try {
      while (!this.leaving) {
        try {
          const joined = await this.join();
          failures = 0;
          await this.stay(joined);
        } catch (cause) {
          if (this.leaving) break;
          failures++;
          await this.failed(cause, failures);
        }
      }
      await this.say();
      this.latest.end();
    } catch (error) {
      this.latest.fail(error);
    } finally {
      this.client.close();
    }
  }

  private async join(): Promise<Joined> {
    const { group, topic } = this.to;
    const { sessionTimeoutMs } = this;
    // Who has nothing to lose may wait for addresses that do not answer, one after the other.
    const leftMs = this.owned.partitions.length > 0 ? this.leftMs : JOIN_MS_MAX;
    const coordinator = await this.inTime(leftMs, this.client.coordinator("group", group));
    const userData = Buffer.from(JSON.stringify({ ...this.owned, standby: this.standby }));
    const metadata = AssignerProtocol.MemberMetadata.encode({ version: 0, topics: [topic], userData });
    const request = {
      groupId: group,
      sessionTimeout: sessionTimeoutMs,
      rebalanceTimeout: REBALANCE_TIMEOUT_MS,
      memberId: this.memberId,
      groupProtocols: [{ name: PROTOCOL, metadata }],
    };
    // Who waits for the others in there is alive to the group, without heartbeats.
    const joined = await this.inTime(JOIN_MS_MAX, coordinator.joinGroup(request));
    this.memberId = joined.memberId;
    const sync = coordinator.syncGroup({
      groupId: group,
      generationId: joined.generationId,
      memberId: joined.memberId,
      groupAssignment: joined.leaderId === joined.memberId ? this.assign(joined) : [],
    });
    const { memberAssignment } = await this.inTime(JOIN_MS_MAX, sync);
    const assignment = AssignerProtocol.MemberAssignment.decode(memberAssignment)?.assignment[topic] ?? [];
    const partitions = [...assignment].sort((a, b) => a - b);
    return { coordinator, generation: joined.generationId, partitions };
  }

  /** The leader's part: what each member gets. */
  private assign({ members }: GroupMemberJoined) {
    const { topic, partitions } = this.to;
    const claims = members.map(({ memberId, memberMetadata }) => claimOf(memberId, memberMetadata));
    return [...assignPartitions(claims, partitions)].map(([memberId, assigned]) => ({
      memberId,
      memberAssignment: AssignerProtocol.MemberAssignment.encode({
        version: 0,
        assignment: { [topic]: [...assigned] },
        userData: Buffer.alloc(0),
      }),
    }));
  }

  /** Publishes the assignment, and sends heartbeats until the group changes. */
  private async stay({ coordinator, generation, partitions }: Joined): Promise<void> {
    const { group } = this.to;
    // Until the worker says otherwise it may still work on what it had.
    const held = [...new Set([...this.owned.partitions, ...partitions])];
    this.owned = { generation, partitions: held };
    this.heardAt = performance.now();
    this.latest.put({ generation, partitions });
    for (;;) {
      await this.pause(this.options.heartbeatMs ?? HEARTBEAT_MS);
      if (this.leaving) return;
      // The worker has stopped what was taken from it: joining again gives that to the others.
      if (this.owned.generation === generation && this.owned.partitions.length < held.length) return;
      try {
        const { memberId } = this;
        const beat = { groupId: group, groupGenerationId: generation, memberId };
        await this.inTime(this.leftMs, coordinator.heartbeat(beat));
        this.heardAt = performance.now();
        this.warnings.reached();
      } catch (error) {
        if (kindOf(this.asError(error)) === "REBALANCE_IN_PROGRESS") return;
        throw error;
      }
    }
  }

  private applied({ generation, partitions }: TaskAssignment): void {
    if (generation !== this.owned.generation) return;
    const released = partitions.length < this.owned.partitions.length;
    this.owned = { generation, partitions };
    if (released) this.wake?.();
  }

  /** @throws MillraceError where trying again is of no use */
  private async failed(cause: unknown, failures: number): Promise<void> {
    const error = this.asError(cause);
    const kind = kindOf(error);
    this.client.noteFailure(error);
    if (EXPELLED.has(kind)) {
      // Others have the partitions by now, or get them next.
      this.memberId = "";
      this.lose();
    } else if (kind !== "REBALANCE_IN_PROGRESS") {
      if (!error.retry) throw error;
      this.warnings.failed(error);
      if (this.leftMs <= 0) this.lose();
      await this.pause(backoffMs(failures));
    }
  }

  private get sessionTimeoutMs(): number {
    return this.options.sessionTimeoutMs ?? SESSION_TIMEOUT_MS;
  }

  /** What is left of the session. */
  private get leftMs(): number {
    return this.sessionTimeoutMs - (performance.now() - this.heardAt);
  }

  /**
   * The answer, where it comes in time; else the coordinator is taken for dark, and what hangs with it is dropped. A
   * request's own time-out is longer than a session, and others have the partitions long before.
   */
  private async inTime<T>(ms: number, answer: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => {
          this.client.disconnect();
          this.lose();
          reject(lateError(this.to.group));
        },
        Math.max(ms, ANSWER_MS_MIN),
      );
    });
    try {
      return await Promise.race([answer, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** The group holds this member for dead, or does so by now. */
  private lose(): void {
    if (this.owned.partitions.length > 0)
      this.latest.put({ generation: this.owned.generation, partitions: [] });
    this.owned = NOTHING;
  }

  /** Tells the group that this member goes, so that nobody waits for its time-out. */
  private async say(): Promise<void> {
    const { group } = this.to;
    if (this.memberId === "") return;
    try {
      const coordinator = await this.client.coordinator("group", group);
      await coordinator.leaveGroup({ groupId: group, memberId: this.memberId });
    } catch (cause) {
      // The session's time-out does it.
      this.options.warn?.(this.asError(cause));
    }
  }

  private asError(cause: unknown): MillraceError {
    const { connection } = this.options;
    return asKafkaError(cause, `belonging to group ${this.to.group}`, connection.brokers);
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.wake = null;
        resolve();
      };
      const timer = setTimeout(done, ms);
      this.wake = done;
    });
  }
}

const NOTHING = { generation: -1, partitions: [] } as const;

function lateError(group: string): KafkaError {
  const text = `belonging to group ${group}: its coordinator does not answer; look whether the brokers run and are reached`;
  return new KafkaError(text, {
    code: "kafka-unreachable",
    origin: "external",
    retry: true,
    kind: "KafkaJSRequestTimeoutError",
  });
}

function kindOf(error: MillraceError): string {
  return error instanceof KafkaError ? error.kind : "";
}

/** A member that says nothing readable of itself claims nothing. */
function claimOf(id: string, metadata: Buffer): MemberClaim {
  try {
    const { userData } = AssignerProtocol.MemberMetadata.decode(metadata) ?? { userData: Buffer.alloc(0) };
    const { generation, partitions, standby } = JSON.parse(userData.toString()) as {
      generation: number;
      partitions: number[];
      standby: number[];
    };
    return { id, generation, owned: partitions, standby };
  } catch {
    return { id, generation: -1, owned: [] };
  }
}
