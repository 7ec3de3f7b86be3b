import { Readable } from "node:stream";
import { type CliIo, piecesUntil } from "../cli-io.ts";
import { main } from "../main.ts";

export interface CliRun {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface CliSurroundings {
  readonly folder: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Standard input. */
  readonly input?: string | Readable;
}

/** Runs a command line in this process. */
export async function runCli(args: readonly string[], surroundings: CliSurroundings): Promise<CliRun> {
  const said = { out: "", err: "" };
  const { input = "" } = surroundings;
  const io: CliIo = {
    out: (text) => {
      said.out += text;
    },
    err: (text) => {
      said.err += text;
    },
    input: (signal) =>
      piecesUntil(typeof input === "string" ? Readable.from([Buffer.from(input)]) : input, signal),
    errIsTerminal: false,
    environment: surroundings.environment ?? {},
    folder: surroundings.folder,
    clock: Date.now,
  };
  const code = await main(args, io);
  return { code, ...said };
}
