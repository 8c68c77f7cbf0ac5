"""The sentences a director reads first: what was found, where, how sure, what is behind it, and how well it would have done."""

from collections.abc import Sequence

from web.report.facts import SIGNIFICANT, Answer, Speech
from web.telling import NONE, count, day, decimal, interval, p_value, percent, times

TOLD = 3
ONE_BUILDING, MANY_BUILDINGS, MOSTLY, AT_HOURS = 0.15, 0.4, 0.3, 0.25
"""Shares of a cluster from which one building, buildings met again, one category, three hours are worth a word."""
TOO_WIDE = 0.3
"""Share of all incidents from which one dense place is no place to go to."""
LATE, EARLY, LEAST_DUE = 1.25, 0.8, 10
SPATIAL = frozenset({"scan", "watch"})
DENSITY = frozenset({"dbscan", "stdbscan", "hdbscan"})


def leading(speech: Speech) -> list[str]:
    """What stands at the head of the report."""
    return [each for each in (_all(speech), *_found(speech), *_clusters(speech), _accuracy(speech), _dropped(speech)) if each]


def is_sure(cluster: Answer) -> bool:
    """Whether a cluster is more than chance would show, by its q where it has one."""
    sure = cluster["q"] if cluster["q"] is not None else cluster["p"]
    return sure is not None and bool(sure <= SIGNIFICANT)


def _all(speech: Speech) -> str:
    summary = speech.facts.summary
    rate = summary.get("rate")
    per = "" if rate is None else speech.word("report.per", rate=decimal(rate), base=speech.base())
    return speech.word(
        "report.all", period=speech.period(), area=speech.facts.area, n=speech.number(summary["incidents"]),
        categories=speech.categories(), sources=speech.sources(), rate=per,
    )  # fmt: skip


def _found(speech: Speech) -> list[str]:
    if speech.facts.analysis["cut"]:
        return []
    method = speech.facts.method
    if method in ("gi", "moran"):
        return _classes(speech)
    if method == "emerging":
        return [_patterns(speech)]
    if method == "trend":
        return _trends(speech)
    if method == "knox":
        return [_near_repeats(speech)]
    told = {"kde": _density, "repeats": _repeats, "rates": _funnel}.get(method, _dense if method in DENSITY else _sure)
    return [told(speech), _too_hopeful(speech)]


def _density(speech: Speech) -> str:
    summary = speech.facts.summary
    return speech.word("report.kde", metres=count(summary["bandwidth_m"]), largest=decimal(summary["largest"], 0))


def _funnel(speech: Speech) -> str:
    places = [each.get("funnel") for each in speech.facts.result["units"]]
    above, below = (count(places.count(each)) for each in ("above_998", "below_998"))
    return speech.word("report.funnel", above=above, below=below, n=count(speech.facts.summary["analysed"]))


def _dense(speech: Speech) -> str:
    summary = speech.facts.summary
    inside, whole = summary.get("in_clusters") or 0, summary["incidents"] or 0
    share = percent(inside / whole if whole else 0)
    told = speech.counted("report.dense", summary.get("density_clusters", len(speech.facts.clusters)), inside=count(inside), share=share)
    largest = max((each["observed"] or 0 for each in speech.facts.clusters), default=0) / whole if whole else 0
    return told + (speech.word("report.too_wide", share=percent(largest)) if largest > TOO_WIDE else "")


def _sure(speech: Speech) -> str:
    sure = sum(map(is_sure, speech.facts.clusters))
    return speech.counted("report.sure", sure) if sure else speech.word("report.none_sure")


def _too_hopeful(speech: Speech) -> str:
    """That p is too small where it was worked out for cases that are independent, and they are not."""
    if speech.facts.method != "scan" or speech.facts.question["parameters"]["model"] != "poisson":
        return ""
    spread = next((each["facts"]["dispersion"] for each in speech.facts.result["caveats"] if each["code"] == "overdispersed"), None)
    return speech.word("report.too_hopeful", dispersion=decimal(spread)) if spread and any(map(is_sure, speech.facts.clusters)) else ""


def _classes(speech: Speech) -> list[str]:
    number = {int(each): n for each, n in speech.facts.summary.get("classes", {}).items()}
    if speech.facts.method == "moran":
        quadrants = [each.get("quadrant") for each in speech.facts.result["units"] if each.get("class")]
        told = {name: count(quadrants.count(name)) for name in ("HH", "LL", "HL", "LH")}
        return [speech.word("report.quadrants", **told)] if quadrants else [speech.word("report.none_hot")]
    hot, cold = (sum(n for each, n in number.items() if each * sign > 0) for sign in (1, -1))
    patches = sum(each["kind"] == "hot" for each in speech.facts.clusters)
    if not hot and not cold:
        return [speech.word("report.none_hot")]
    of = {f"c{each}": count(number.get(each, 0)) for each in (99, 95, 90)}
    return [speech.word("report.hot", hot=count(hot), patches=count(patches), cold=count(cold), **of)]


def _patterns(speech: Speech) -> str:
    kinds = speech.facts.summary.get("categories_of_units", {})
    told = [
        speech.word("report.n_of", n=count(n), name=speech.word(f"pattern.{kind}"))
        for kind, n in sorted(kinds.items(), key=lambda each: -each[1])
        if kind != "none"
    ]
    steps = count(speech.facts.summary["steps"])
    return (
        speech.word("report.patterns", steps=steps, patterns=speech.listed(told))
        if told
        else speech.word("report.no_patterns", steps=steps)
    )


def _trends(speech: Speech) -> list[str]:
    table = speech.facts.result["table"]
    if not table:
        return []
    told = [
        speech.word(
            f"report.{name}", now=count(each["now"]), before=count(each["before"]), change=_change(each["ratio"]),
            low=_change(each["low"]), high=_change(each["high"]), verdict=speech.word(f"report.trend_{_verdict(each)}"),
        )
        for name in ("pop", "yoy")
        if (each := table[0].get(name)) and each.get("ratio") is not None
    ]  # fmt: skip
    told += [
        speech.word("report.break", day=day(each["from"], speech.language), before=decimal(each["before"]), after=decimal(each["after"]))
        for each in table[0].get("changes", [])[:TOLD]
    ]
    return told


def _verdict(compared: Answer) -> str:
    low, high = compared.get("low"), compared.get("high")
    return "unsure" if low is None or high is None else "up" if low > 1 else "down" if high < 1 else "unsure"


def _change(ratio: float | None) -> str:
    return "–" if ratio is None else f"{100 * (ratio - 1):+.0f}%"


def _near_repeats(speech: Speech) -> str:
    sure = [each for each in speech.facts.result["table"] or [] if (each.get("p") or 1) <= SIGNIFICANT and (each.get("ratio") or 0) > 1]
    if not sure:
        return speech.word("report.no_near_repeats")
    most = max(sure, key=lambda each: each["ratio"])
    return speech.word(
        "report.near_repeats", metres=band(most, "m", speech), days=band(most, "days", speech), n=speech.number(most["observed"]),
        expected=decimal(most["expected"]), ratio=times(most["ratio"]), p=p_value(most["p"]),
    )  # fmt: skip


def band(row: Answer, unit: str, speech: Speech) -> str:
    """A band of distance or time in words: from included, to not."""
    return speech.word(f"report.band_{unit}", low=f"{row[f'from_{unit}']:g}", high=f"{row[f'to_{unit}']:g}")


def _repeats(speech: Speech) -> str:
    summary, table = speech.facts.summary, speech.facts.result["table"] or []
    share = table[-1]["cumulative"] if table else 0
    least = max(speech.facts.question["parameters"]["least"], speech.facts.question["small_cell"])
    return speech.word("report.repeats", n=count(summary["repeated"]), of=count(summary["places"]), least=least, share=percent(share))


def _clusters(speech: Speech) -> list[str]:
    told = speech.facts.clusters
    if speech.facts.method in SPATIAL:
        told = [each for each in told if is_sure(each)]
    elif speech.facts.method in ("gi", "moran"):
        told = [each for each in told if each["kind"] in ("hot", "high_low")]
        told = [each for each in told if not each.get("by_neighbours")] or told
    elif speech.facts.method == "emerging":
        told = [each for each in told if each["kind"].endswith("_hot")]
    return [cluster_sentence(speech, each) for each in told[:TOLD]]


def cluster_sentence(speech: Speech, cluster: Answer) -> str:
    """One cluster in one sentence: where and how many, then what is behind it."""
    if cluster["partial"]:
        return speech.word("report.partial", rank=cluster["rank"], place=speech.place(cluster))
    parts = [_size(speech, cluster), *_behind(speech, cluster)]
    return speech.word("report.joint").join(each for each in parts if each) + speech.word("report.stop")


def _size(speech: Speech, cluster: Answer) -> str:
    timed = cluster["kind"] in ("cylinder", "near_repeat") or speech.facts.method == "stdbscan"
    when = speech.word("report.when", period=speech.days(cluster["period"])) if timed and cluster["period"] else ""
    if speech.facts.method == "emerging":
        when = speech.word("report.when", period=speech.coded("pattern", cluster["kind"]))
    told = {"rank": cluster["rank"], "place": speech.place(cluster), "when": when, "n": speech.number(cluster["observed"])}
    if cluster["ratio"] is None or cluster["expected"] is None:
        return speech.word("report.cluster_plain", **told)
    return speech.word(
        "report.cluster", **told, expected=decimal(cluster["expected"]), ratio=times(cluster["ratio"]),
        interval=interval(*cluster["interval"]) if cluster["interval"] else NONE, sure=_how_sure(speech, cluster),
    )  # fmt: skip


def _how_sure(speech: Speech, cluster: Answer) -> str:
    if cluster["q"] is not None:
        return speech.word("report.q", q=p_value(cluster["q"]))
    return speech.word("report.p", p=p_value(cluster["p"])) if cluster["p"] is not None else ""


def _behind(speech: Speech, cluster: Answer) -> list[str]:
    observed = cluster["observed"]
    if observed is None:
        return []
    told = [
        _neighbours(speech, cluster),
        _again(speech, cluster, observed),
        _deadlines(speech, cluster),
        _mostly(speech, cluster, observed),
    ]
    return [*told, _hours(speech, cluster)]


def _neighbours(speech: Speech, cluster: Answer) -> str:
    return speech.word("report.by_neighbours") if cluster.get("by_neighbours") else ""


def _buildings(speech: Speech, cluster: Answer) -> Sequence[Answer]:
    repeat: Answer = cluster["repeat"] or {}
    return [each for each in repeat.get("top") or [] if each["observed"] is not None]


def _again(speech: Speech, cluster: Answer, observed: int) -> str:
    repeat, top = cluster["repeat"], _buildings(speech, cluster)
    if not repeat:
        return ""
    if top and top[0]["observed"] / observed >= ONE_BUILDING:
        name = speech.facts.names.buildings.get(top[0]["building_id"], "")
        named = speech.word("report.bracketed", text=name) if name else ""
        return speech.word("report.one_building", k=count(top[0]["observed"]), n=count(observed), name=named)
    if repeat["in_repeat_buildings"] and repeat["in_repeat_buildings"] / observed >= MANY_BUILDINGS:
        return speech.word("report.many_buildings", k=count(repeat["in_repeat_buildings"]), buildings=count(repeat["buildings"]))
    return ""


def _deadlines(speech: Speech, cluster: Answer) -> str:
    kept = cluster["deadlines"] or {}
    own, around = kept.get("overdue_share"), kept.get("overdue_share_around")
    if own is None or not around or (kept.get("due") or 0) < LEAST_DUE:
        return ""
    against = own / around
    if EARLY < against < LATE:
        return ""
    return speech.word("report.late" if against >= LATE else "report.early", own=percent(own), around=percent(around), times=times(against))


def _mostly(speech: Speech, cluster: Answer, observed: int) -> str:
    top = next((each for each in cluster["categories"] or [] if each["observed"] is not None), None)
    if top is None or len(speech.facts.question["category_ids"]) == 1 or top["observed"] / observed < MOSTLY:
        return ""
    name = speech.facts.names.categories.get(top["category_id"], str(top["category_id"]))
    return speech.word("report.mostly", name=name, k=count(top["observed"]))


def _hours(speech: Speech, cluster: Answer) -> str:
    found = peak(cluster["hours"], cluster["observed"])
    if found is None or found[1] < AT_HOURS:
        return ""
    first, share, hidden = found
    key = "report.at_hours_least" if hidden else "report.at_hours"
    return speech.word(key, share=percent(share), low=first, high=(first + 3) % 24 or 24)


def peak(hours: Sequence[int | None] | None, observed: int | None) -> tuple[int, float, bool] | None:
    """The three hours with most incidents that are told: the first, their share of all `observed`, and whether one of them is held back.

    None where there is nothing to say.
    """
    known = [each or 0 for each in hours or []]
    if not observed or not sum(known):
        return None
    windows = [[at, (at + 1) % 24, (at + 2) % 24] for at in range(24)]
    most = max(windows, key=lambda window: sum(known[at] for at in window))
    return most[0], sum(known[at] for at in most) / observed, any((hours or [])[at] is None for at in most)


def _accuracy(speech: Speech) -> str:
    told = speech.facts.accuracy
    if not told:
        return ""
    if told.get("refusal"):
        return speech.word("report.accuracy_none")
    key = "report.accuracy" if told["pai"] > (told.get("naive_pai") or 0) else "report.accuracy_worse"
    return speech.word(
        key, n=count(told["events"]), hits=percent(told["hit_rate"]), ground=percent(told["share_of_ground"]),
        pai=decimal(told["pai"]), naive=percent(told["naive_hit_rate"]) if told.get("naive_hit_rate") is not None else "–",
    )  # fmt: skip


def _dropped(speech: Speech) -> str:
    gone = speech.facts.summary.get("dropped")
    return speech.counted("report.dropped", gone) if gone else ""
