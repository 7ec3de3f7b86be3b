import type { EvaluationContext, InputFile } from "../../../ml/index.ts";
import type { ExchangeFolder } from "./exchange-folder.ts";

/** One model on one split; seconds are of the processor, on one thread where the library can. */
export interface ComparedModel {
  readonly name: string;
  readonly figures: Readonly<Record<string, number>>;
  readonly trainingSeconds: number;
  /** Of all cases of the test together. */
  readonly scoringSeconds: number;
}

/** One plugin beside other libraries, on one split of a public file. */
export interface Comparison {
  readonly name: string;
  /** Where the file lies in the folder of the data. */
  readonly file: string;
  /** Of this folder: prints the other libraries' {@link ComparedModel}s as one JSON list. */
  readonly script: string;
  /** Trains and measures ours, and writes what the script needs for the same split. */
  measureOurs(
    file: InputFile,
    folder: ExchangeFolder,
    context: EvaluationContext,
  ): Promise<readonly ComparedModel[]>;
}

/** What `work` returns, and the processor seconds that it took. */
export async function timed<T>(work: () => T | Promise<T>): Promise<{ value: T; seconds: number }> {
  const began = process.cpuUsage();
  const value = await work();
  const { user, system } = process.cpuUsage(began);
  return { value, seconds: (user + system) / 1e6 };
}
