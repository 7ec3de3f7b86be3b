import type { Forest } from "./forest.ts";
import { LeafShap } from "./leaf-shap.ts";

/**
 * Exact Shapley values of a forest's log-odds for one vector, where an absent feature sends the
 * training rows' shares down both branches: the path-dependent TreeSHAP, algorithm 2 of Lundberg,
 * Erion and Lee, "Consistent Individualized Feature Attribution for Tree Ensembles" (2018). With
 * {@link bias} they add up to the log-odds. Trees of short paths are looked up in tables ({@link LeafShap}),
 * which are made at the first vector; the others take O(leaves · depth²) each. No allocation.
 */
export class TreeShap {
  /** Log-odds of the average training row. */
  readonly bias: number;
  readonly #forest: Forest;
  #tabled: LeafShap | null = null;
  /**
   * The path to the current node, one copy a depth, each behind the other: of every feature on it
   * the share of rows that follow when the feature is absent (zero), whether the vector follows
   * when it is present (one), and the weight of subsets by size.
   */
  readonly #feature: Int32Array;
  readonly #zero: Float64Array;
  readonly #one: Float64Array;
  readonly #weight: Float64Array;

  constructor(forest: Forest) {
    this.#forest = forest;
    const depth = depthMax(forest) + 2;
    const cells = (depth * (depth + 1)) / 2;
    this.#feature = new Int32Array(cells);
    this.#zero = new Float64Array(cells);
    this.#one = new Float64Array(cells);
    this.#weight = new Float64Array(cells);
    this.bias = forest.roots.reduce((total, root) => total + meanValue(forest, root), forest.start);
  }

  /** Signed contributions to the log-odds of `vector`, by feature, into `out`. */
  contributions(vector: Float64Array, out: Float64Array): void {
    this.#tabled ??= new LeafShap(this.#forest);
    out.fill(0);
    this.#tabled.add(vector, out);
    for (const root of this.#tabled.rest) this.#visit(root, vector, out, 0, 0, 1, 1, -1);
  }

  /** `base`: where the parent's path of `length` elements begins. */
  #visit(
    node: number,
    vector: Float64Array,
    out: Float64Array,
    base: number,
    length: number,
    zero: number,
    one: number,
    feature: number,
  ): void {
    const { left, right, cover, value, threshold, missingLeft } = this.#forest;
    const own = base + length;
    this.#copy(base, own, length);
    this.#extend(own, length, zero, one, feature);
    if (left[node] < 0) {
      this.#addLeaf(own, length + 1, value[node], out);
      return;
    }
    const split = this.#forest.feature[node];
    const x = Math.fround(vector[split]);
    const goesLeft = x <= threshold[node] || (Number.isNaN(x) && missingLeft[node] === 1);
    const hot = goesLeft ? left[node] : right[node];
    const cold = goesLeft ? right[node] : left[node];
    let [zeroBefore, oneBefore, elements] = [1, 1, length + 1];
    const at = this.#find(own, elements, split);
    if (at >= 0) {
      zeroBefore = this.#zero[own + at];
      oneBefore = this.#one[own + at];
      this.#unwind(own, elements--, at);
    }
    const share = (child: number): number => (cover[node] > 0 ? cover[child] / cover[node] : 0.5);
    this.#visit(hot, vector, out, own, elements, zeroBefore * share(hot), oneBefore, split);
    this.#visit(cold, vector, out, own, elements, zeroBefore * share(cold), 0, split);
  }

  #copy(from: number, to: number, length: number): void {
    this.#feature.copyWithin(to, from, from + length);
    this.#zero.copyWithin(to, from, from + length);
    this.#one.copyWithin(to, from, from + length);
    this.#weight.copyWithin(to, from, from + length);
  }

  #find(base: number, length: number, feature: number): number {
    for (let i = 1; i < length; i++) if (this.#feature[base + i] === feature) return i;
    return -1;
  }

  #extend(base: number, length: number, zero: number, one: number, feature: number): void {
    const weight = this.#weight;
    this.#feature[base + length] = feature;
    this.#zero[base + length] = zero;
    this.#one[base + length] = one;
    weight[base + length] = length === 0 ? 1 : 0;
    for (let i = length - 1; i >= 0; i--) {
      weight[base + i + 1] += (one * weight[base + i] * (i + 1)) / (length + 1);
      weight[base + i] = (zero * weight[base + i] * (length - i)) / (length + 1);
    }
  }

  /** Takes element `at` off a path of `length` elements. */
  #unwind(base: number, length: number, at: number): void {
    const weight = this.#weight;
    const last = length - 1;
    const one = this.#one[base + at];
    const zero = this.#zero[base + at];
    let next = weight[base + last];
    for (let i = last - 1; i >= 0; i--) {
      if (one !== 0) {
        const kept = weight[base + i];
        weight[base + i] = (next * length) / ((i + 1) * one);
        next = kept - (weight[base + i] * zero * (last - i)) / length;
      } else {
        weight[base + i] = (weight[base + i] * length) / (zero * (last - i));
      }
    }
    for (let i = at; i < last; i++) {
      this.#feature[base + i] = this.#feature[base + i + 1];
      this.#zero[base + i] = this.#zero[base + i + 1];
      this.#one[base + i] = this.#one[base + i + 1];
    }
  }

  #addLeaf(base: number, length: number, value: number, out: Float64Array): void {
    for (let at = 1; at < length; at++) {
      const gain = this.#one[base + at] - this.#zero[base + at];
      out[this.#feature[base + at]] += this.#unwoundSum(base, length, at) * gain * value;
    }
  }

  /** Sum of the weights that {@link #unwind} would leave, without changing the path. */
  #unwoundSum(base: number, length: number, at: number): number {
    const last = length - 1;
    const one = this.#one[base + at];
    const zero = this.#zero[base + at];
    let next = this.#weight[base + last];
    let total = 0;
    for (let i = last - 1; i >= 0; i--) {
      if (one !== 0) {
        const weight = (next * length) / ((i + 1) * one);
        total += weight;
        next = this.#weight[base + i] - (weight * zero * (last - i)) / length;
      } else if (zero !== 0) {
        total += (this.#weight[base + i] * length) / (zero * (last - i));
      }
    }
    return total;
  }
}

function depthMax({ roots, left, right }: Forest): number {
  const depth = (node: number): number =>
    left[node] < 0 ? 0 : 1 + Math.max(depth(left[node]), depth(right[node]));
  return roots.reduce((deepest, root) => Math.max(deepest, depth(root)), 0);
}

function meanValue(forest: Forest, node: number): number {
  const { left, right, cover, value } = forest;
  if (left[node] < 0) return value[node];
  const sum = cover[left[node]] + cover[right[node]];
  const share = sum > 0 ? cover[left[node]] / sum : 0.5;
  return share * meanValue(forest, left[node]) + (1 - share) * meanValue(forest, right[node]);
}
