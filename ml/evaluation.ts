import type { Evidence } from "./report/evidence.ts";

/**
 * How a plugin trains and measures itself on files of a public data set: declared once, it is the
 * subcommand `millrace evaluate PLUGIN` with its help and its checks, and the type of the values
 * that `run` is given.
 */

/** A file to read, plain or gzipped; its value is an {@link InputFile}. */
export interface FileOption {
  readonly kind: "file";
  readonly doc: string;
  readonly required: boolean;
}

export interface IntegerOption {
  readonly kind: "integer";
  readonly doc: string;
  readonly min: number;
  readonly max: number;
  /** Null: the option has to be given. */
  readonly default: number | null;
}

/** A number from 0 to 1, neither of them. */
export interface ShareOption {
  readonly kind: "share";
  readonly doc: string;
  /** Null: the option has to be given. */
  readonly default: number | null;
}

export interface ChoiceOption<C extends string = string> {
  readonly kind: "choice";
  readonly doc: string;
  readonly choices: readonly C[];
  /** Null: the option has to be given. */
  readonly default: C | null;
}

export type EvaluationOption = FileOption | IntegerOption | ShareOption | ChoiceOption;

/** By name as on the command line, without the dashes: `train` is `--train FILE`. */
export type EvaluationOptions = Readonly<Record<string, EvaluationOption>>;

/** A file that was named on the command line; nothing is read until it is asked for. */
export interface InputFile {
  readonly path: string;
  /** Unzipped. Rejects with code `file-unusable`. */
  bytes(): Promise<Uint8Array>;
  /** Rejects with code `file-unusable`, also where the bytes are no UTF-8. */
  text(): Promise<string>;
  /** Lines without their ends; none for what follows the last line end. Rejects as `text` does. */
  lines(): Promise<readonly string[]>;
}

type OptionValue<O extends EvaluationOption> = O extends { kind: "file"; required: true }
  ? InputFile
  : O extends { kind: "file" }
    ? InputFile | null
    : O extends { kind: "integer" | "share" }
      ? number
      : O extends ChoiceOption<infer C>
        ? C
        : never;

/** A file that is not required and not given is null. */
export type EvaluationValues<O extends EvaluationOptions> = { readonly [K in keyof O]: OptionValue<O[K]> };

export interface EvaluationContext {
  /** The same seed and files give the same figures. */
  readonly seed: number;
  /** For standard error: one line, without its end. */
  readonly onProgress: (message: string) => void;
  /** Milliseconds from any origin, for the seconds that a report states. */
  readonly clock: () => number;
  /** Takes what the plots of a report are drawn from; without it nothing of it need be kept. */
  readonly onEvidence?: (evidence: Evidence) => void;
}

/** One JSON object. */
export type EvaluationResult = Readonly<Record<string, unknown>>;

export interface Evaluation {
  /** One line for the help. */
  readonly doc: string;
  readonly options: EvaluationOptions;
  /** A command line that works, without `millrace evaluate NAME`. */
  readonly example: string;
  /**
   * Trains and measures. Rejects with code `file-unusable`, with path and line, where a file is not
   * of the form, and with `dataset-unusable` where a model cannot be made of it.
   */
  run(values: Readonly<Record<string, unknown>>, context: EvaluationContext): Promise<EvaluationResult>;
}

/** Types the values of `run` by the options: the command line has checked them by the same options. */
export function defineEvaluation<const O extends EvaluationOptions>(declaration: {
  readonly doc: string;
  readonly options: O;
  readonly example: string;
  run(values: EvaluationValues<O>, context: EvaluationContext): Promise<EvaluationResult>;
}): Evaluation {
  return {
    ...declaration,
    run: (values, context) => declaration.run(values as EvaluationValues<O>, context),
  };
}
