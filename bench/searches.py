# SPDX-License-Identifier: Apache-2.0
"""The mix of searches that ./run bench asks: what is said, frequent and rare words, phrases and
prefixes; who and what is seen; and both together."""


def mix(query):
    """Parameters of GET /search, a dict each; `query` runs SQL in the database."""
    words = dict(query("SELECT rank, word FROM bench.vocabulary WHERE rank < 20000"))
    names = {kind: [name for name, in query(
        "SELECT name FROM bench.casting WHERE kind = %s GROUP BY name ORDER BY count(*) DESC, name",
        kind)] for kind in ("celebrity", "label")}

    def name(kind, place):
        """From the most frequent, 0, to the rarest, 1."""
        return names[kind][int(place * (len(names[kind]) - 1))]

    found = [{"q": words[rank]} for rank in (5, 40, 300, 2000, 15000)]
    found += [{"q": f"{words[low]} {words[high]}"} for low, high in ((6, 50), (60, 400))]
    found += [{"q": f'"{words[3]} {words[7]}"'}, {"q": f"{words[70]} -{words[8]}"},
              {"q": f"{words[500]} or {words[900]}"}, {"q": f"{words[4000][:4]}*"}]
    found += [{kind: name(kind, place)} for kind in names for place in (0, 0.3, 0.9)]
    found += [{"celebrity": name("celebrity", 0.1), "label": name("label", 0.05)},
              {"q": words[90], "celebrity": name("celebrity", 0)},
              {"q": words[200], "label": name("label", 0.1)},
              {"q": words[30], "tag": "tag-7"},
              {"label": name("label", 0.2), "state": "complete"},
              {"tag": "tag-3"},
              {"q": words[20], "celebrity": name("celebrity", 0.02), "within": "10"}]
    return found
