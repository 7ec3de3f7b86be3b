"""Two published neighbourhood models on the sessions that our recommender learns from.

Item-kNN as in Hidasi et al., "Session-based recommendations with recurrent neural networks" (2016)
and its published code: cosine of the sets of sessions of two items, the last item of the prefix alone.
VS-kNN as in Ludewig and Jannach, "Evaluation of session-based recommendation algorithms" (2018):
neighbours among the 1,000 newest sessions that share an item, later items of the prefix count more.
"""

import sys
from collections import defaultdict

import numpy as np
from scipy import sparse

from exchange import answer, model, read_arrays, timed

SHOWN = 20
SHRINKAGE, ALPHA = 20, 0.5
SAMPLE, NEIGHBOURS = 1000, 100


class ItemKnn:
    def __init__(self, items, sessions, count):
        seen = sparse.csr_matrix(
            (np.ones(len(items)), (sessions, items)), shape=(sessions[-1] + 1, count)
        )
        seen.data[:] = 1
        support = np.asarray(seen.sum(axis=0)).ravel()
        self.similarity = (seen.T @ seen).tocsr()
        rows = np.repeat(np.arange(count), np.diff(self.similarity.indptr))
        columns = self.similarity.indices
        norm = (support[rows] + SHRINKAGE) ** ALPHA * (support[columns] + SHRINKAGE) ** (1 - ALPHA)
        self.similarity.data /= norm
        self.similarity.data[rows == columns] = 0

    def scores(self, prefix):
        last = prefix[-1]
        if last < 0:
            return np.empty(0, int), np.empty(0)
        row = slice(self.similarity.indptr[last], self.similarity.indptr[last + 1])
        return self.similarity.indices[row], self.similarity.data[row]


class VsKnn:
    def __init__(self, items, sessions, count):
        self.items = np.split(items, np.flatnonzero(np.diff(sessions)) + 1)
        self.count = count
        sessions_of = defaultdict(list)
        for session, own in enumerate(self.items):
            for item in set(own.tolist()):
                sessions_of[item].append(session)
        self.sessions_of = {item: np.array(own) for item, own in sessions_of.items()}
        self.unique = [np.unique(own) for own in self.items]
        lengths = np.array([len(own) for own in self.unique])
        self.root = np.sqrt(lengths)

    def scores(self, prefix):
        weight = {}
        for place, item in enumerate(prefix.tolist()):
            weight[item] = (place + 1) / len(prefix)
        found = [self.sessions_of[item] for item in weight if item in self.sessions_of]
        if not found:
            return np.empty(0, int), np.empty(0)
        # Sessions lie oldest first: the largest numbers are the newest.
        sample = np.unique(np.concatenate(found))[-SAMPLE:]
        similarity = np.zeros(len(sample))
        for item, own in weight.items():
            if item not in self.sessions_of:
                continue
            shared = self.sessions_of[item]
            at = np.searchsorted(sample, shared[shared >= sample[0]])
            similarity[at] += own
        similarity /= self.root[sample] * np.sqrt(len(weight))
        nearest = np.lexsort((-sample, -similarity))[:NEIGHBOURS]
        order = {item: place for place, item in enumerate(prefix.tolist())}
        total = defaultdict(float)
        for k in nearest:
            own = self.items[sample[k]].tolist()
            # Steps back from the end of the prefix to the newest item that both have.
            steps = len(prefix) - max(order[item] for item in own if item in order)
            vote = similarity[k] * (1 - 0.1 * steps if steps < 10 else 0)
            for item in self.unique[sample[k]].tolist():
                total[item] += vote
        return np.fromiter(total.keys(), int), np.fromiter(total.values(), float)


def rank_of(target, candidates, scores):
    """Place of the target among the candidates, ties to the smaller number; 0 where it is none of them."""
    at = np.flatnonzero(candidates == target)
    if len(at) == 0 or scores[at[0]] <= 0:
        return 0
    own = scores[at[0]]
    return 1 + int(np.sum(scores > own)) + int(np.sum((scores == own) & (candidates < target)))


def measure(ranker, arrays):
    tables = {"": [], ", discovery": []}
    for start, end, target in zip(arrays["caseFrom"], arrays["caseTo"], arrays["targets"]):
        prefix = arrays["caseItems"][start:end]
        candidates, scores = ranker.scores(prefix)
        tables[""].append(rank_of(target, candidates, scores))
        if target not in prefix:
            new = ~np.isin(candidates, prefix)
            tables[", discovery"].append(rank_of(target, candidates[new], scores[new]))
    figures = {}
    for name, ranks in tables.items():
        ranks = np.array(ranks)
        hit = (ranks > 0) & (ranks <= SHOWN)
        figures[f"hit rate{name}"] = hit.mean()
        figures[f"MRR{name}"] = np.where(hit, 1 / np.maximum(ranks, 1), 0).mean()
    return figures


def main():
    arrays = read_arrays(sys.argv[1])
    items, starts = arrays["items"], arrays["starts"]
    sessions = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
    rows = []
    for name, make in {"item-kNN": ItemKnn, "VS-kNN": VsKnn}.items():
        ranker, training = timed(lambda: make(items, sessions, int(items.max()) + 1))
        figures, scoring = timed(lambda: measure(ranker, arrays))
        rows.append(model(name, figures, training, scoring))
    answer(rows)


if __name__ == "__main__":
    main()
