"""Did you mean: the closest of many names, fast enough to be asked for every unknown one."""

from collections.abc import Iterable


def closest(name: str, candidates: Iterable[str]) -> str | None:
    """Return the candidate with the fewest single-letter changes from `name`, or None if none is close.

    Close is one change in short names and a third of the letters in long ones; upper and lower case count as equal.
    """
    wanted = name.casefold()
    best: tuple[int, int, str] | None = None
    within = max(1, min(3, len(wanted) // 3))
    for candidate in candidates:
        folded = candidate.casefold()
        if abs(len(folded) - len(wanted)) > within:
            continue
        changes = _changes(wanted, folded, within)
        if changes is not None:
            ranked = (changes, abs(len(folded) - len(wanted)), candidate)
            best = ranked if best is None else min(best, ranked)
            within = best[0]
    return None if best is None else best[2]


def did_you_mean(name: str, candidates: Iterable[str]) -> str | None:
    """Return the hint `did you mean …?`, or None if nothing is close."""
    found = closest(name, candidates)
    return None if found is None else f"did you mean `{found}`?"


def _changes(one: str, other: str, most: int) -> int | None:
    """Return the optimal string alignment distance (swaps of neighbours count once), or None beyond `most`."""
    one, other = _without_common_ends(one, other)
    # Each change removes at most one kind of letter from either side: a cheap bound that settles most pairs.
    if len(set(one) - set(other)) > most or len(set(other) - set(one)) > most:
        return None
    beyond = most + 1
    before_last: list[int] = []
    last = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        row = [beyond] * (len(other) + 1)
        row[0] = i
        for j in range(max(1, i - most), min(len(other), i + most) + 1):  # the rest of the row is beyond anyway
            b = other[j - 1]
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (a != b))
            if i > 1 and j > 1 and a == other[j - 2] and one[i - 2] == b:
                cost = min(cost, before_last[j - 2] + 1)
            row[j] = cost
        if min(row) > most:
            return None
        before_last, last = last, row
    return last[-1] if last[-1] <= most else None


def _without_common_ends(one: str, other: str) -> tuple[str, str]:
    start, shortest = 0, min(len(one), len(other))
    while start < shortest and one[start] == other[start]:
        start += 1
    one, other, shortest = one[start:], other[start:], shortest - start
    end = 0
    while end < shortest and one[-1 - end] == other[-1 - end]:
        end += 1
    return (one[:-end], other[:-end]) if end else (one, other)
