import { join } from "node:path";
import {
  type EvaluationContext,
  type EvaluationResult,
  mlPlugins,
  openInputFile,
} from "../../../ml/index.ts";
import { BenchError } from "../bench-error.ts";
import type { JudgedFigure, Target } from "./judged-figure.ts";

export interface EvaluateContext extends EvaluationContext {
  /** Folder of the public files. */
  readonly data: string;
}

/** A run of its own in the command, of some figures. */
export interface NamedEvaluation {
  readonly name: string;
  /** What it is measured on. */
  readonly doc: string;
  measure(context: EvaluateContext): Promise<readonly JudgedFigure[]>;
}

/** Where a figure stands in a plugin's result: names joined by dots. */
interface FigureSpec {
  readonly name: string;
  readonly path: string;
  /** Its size counts, whatever its sign. */
  readonly isAbsolute?: boolean;
  readonly baseline?: { readonly name: string; readonly path: string };
  readonly target?: Target;
}

export interface PluginEvaluation {
  readonly name: string;
  readonly plugin: string;
  readonly doc: string;
  /** Option that takes the file, and the file below the folder of public files. */
  readonly file: { readonly option: string; readonly path: string };
  /** Other options than their defaults. */
  readonly options?: Readonly<Record<string, string | number>>;
  readonly figures: readonly FigureSpec[];
}

/** What `millrace evaluate PLUGIN` measures, held against targets. */
export function pluginEvaluation(spec: PluginEvaluation): NamedEvaluation {
  return {
    name: spec.name,
    doc: spec.doc,
    async measure(context) {
      const plugin = mlPlugins.find(({ name }) => name === spec.plugin);
      if (plugin === undefined) throw new BenchError(`there is no plugin ${spec.plugin}`);
      const { evaluation } = plugin;
      const values = Object.entries(evaluation.options).map(([option, declared]) => {
        if (option === spec.file.option) return [option, openInputFile(join(context.data, spec.file.path))];
        const byDefault = declared.kind === "file" ? null : declared.default;
        return [option, spec.options?.[option] ?? byDefault];
      });
      return judge(spec.figures, await evaluation.run(Object.fromEntries(values), context));
    },
  };
}

/** The figures of a result. Throws where one is not there: a figure is never left out in silence. */
export function judge(figures: readonly FigureSpec[], result: EvaluationResult): readonly JudgedFigure[] {
  return figures.map(({ name, path, isAbsolute, baseline, target }) => {
    const read = (from: string): number => {
      const value = numberAt(result, from);
      return isAbsolute === true ? Math.abs(value) : value;
    };
    return {
      name,
      ours: read(path),
      baseline: baseline === undefined ? null : { name: baseline.name, value: read(baseline.path) },
      target: target ?? null,
    };
  });
}

function numberAt(result: EvaluationResult, path: string): number {
  const found = path
    .split(".")
    .reduce<unknown>((part, name) => (part as Readonly<Record<string, unknown>> | undefined)?.[name], result);
  if (typeof found === "number") return found;
  throw new BenchError(`the evaluation has no figure ${path}`);
}
