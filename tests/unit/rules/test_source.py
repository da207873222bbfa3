"""YAML with positions: the core schema of 1.2, faults with their places, and places inside decoded scalars."""

import itertools

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from rules.alignment import align
from rules.source import Source, read
from rules.tree import Span
from rules.yaml_nodes import Mapping, Scalar, Sequence


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"), ("no", "no"), ("on", "on"), ("off", "off"), ("y", "y"),  # YAML 1.1 made these booleans
        ("true", True), ("False", False), ("tRue", "tRue"), ("null", None), ("~", None), ("", None),
        ("12", 12), ("-7", -7), ("0o17", 15), ("0x1F", 31), ("017", 17), ("1_000", "1_000"), ("1:30", "1:30"),
        ("2026-11-20", "2026-11-20"), (".inf", ".inf"), ("'12'", "12"), ('"true"', "true"), ("=", "="),
    ],
)  # fmt: skip
def test_plain_scalars_follow_the_core_schema(text: str, value: object) -> None:
    """Only what YAML 1.2's core schema calls a number, a boolean or null is one."""
    scalar = _value(f"a: {text}\n")

    assert isinstance(scalar, Scalar)
    assert scalar.value == value
    assert type(scalar.value) is type(value)


@pytest.mark.parametrize(
    ("text", "code", "place"),
    [
        ("a: 1\nb: 2\na: 3\n", "duplicate_key", (3, 1)),
        ("a: {x: 1, x: 2}\n", "duplicate_key", (1, 11)),
        ("a: !!str 1\n", "yaml_tag", (1, 4)),
        ("a: !x {}\n", "yaml_tag", (1, 4)),
        ("a: &x 1\n", "yaml_alias", (1, 4)),
        ("a: *x\n", "yaml_alias", (1, 4)),
        ("a: 1\n---\nb: 2\n", "second_document", (2, 1)),
        ("a: \x07\n", "control_character", (1, 4)),
        ('é: "\\x07"\n', "control_character", (1, 4)),
        ("? [a]\n: 1\n", "bad_key", (1, 3)),
        ("a: " + "[" * 60 + "]" * 60, "too_deep", (1, 53)),
        ("a: \udc80\n", "not_utf8", (1, 4)),
        ('when: "vip" in tags\n', "yaml_syntax", (1, 13)),
        ("a: b: c\n", "yaml_syntax", (1, 5)),
        ("a:\n\t- b\n", "yaml_syntax", (2, 1)),
        ("a: [1, 2\nb: 3\n", "yaml_syntax", (2, 2)),
        ('a: "b\nc: d\n', "yaml_syntax", (1, 4)),
        ("a: @b\n", "yaml_syntax", (1, 4)),
    ],
)
def test_faults_have_their_place(text: str, code: str, place: tuple[int, int]) -> None:
    """Each fault is reported with the line and the column of the token at fault."""
    source = read(text)

    assert [fault.code for fault in source.faults][:1] == [code]
    assert source.position(source.faults[0].span.start) == place


def test_one_unreadable_line_does_not_hide_the_next() -> None:
    """What YAML can't read is reported and skipped, as often as it happens."""
    source = read('a:\n  when: "x" in tags\n  b: 1\nc:\n  when: "y" in tags\n  d: 2\n  d: 3\n')

    assert [(fault.code, source.position(fault.span.start)[0]) for fault in source.faults] == [
        ("yaml_syntax", 2),
        ("yaml_syntax", 5),
        ("duplicate_key", 7),
    ]
    assert "when: '\"x\" in tags'" in (source.faults[0].hint or "")


def test_too_large_a_text_is_not_read() -> None:
    """Beyond 8 MiB there is one fault and nothing else."""
    assert [fault.code for fault in read("a: " + "é" * (4 << 20)).faults] == ["too_large"]


def test_columns_count_code_points() -> None:
    """A letter is one column, whatever its bytes; a byte order mark is none; any line break ends a line."""
    source = read("\ufeffé: 日本\r\nb: 😀\n")
    root = source.root
    assert isinstance(root, Mapping)

    assert [source.position(value.span.start) for _, value in root.entries] == [(1, 4), (2, 4)]


_WORDS = st.lists(st.text("ab<>=\"'\\#:é😀.[]{}", min_size=1, max_size=4), min_size=1, max_size=5)


@given(_WORDS, st.sampled_from(["'", '"', "|", ">", "|-", ">-", "|+"]), st.booleans())
def test_every_token_of_a_scalar_is_found_in_the_file(words: list[str], style: str, wrapped: bool) -> None:  # noqa: FBT001  # by hypothesis
    """However a text is quoted, folded or escaped, a word of the decoded text is found where it was written."""
    if style[0] in "|>":
        written = f"a: {style}\n    " + ("\n    " if wrapped else " ").join(words) + "\n\nb: 1\n"
    else:
        dumped = " ".join(words)
        quoted = dumped.replace("'", "''") if style == "'" else dumped.replace("\\", "\\\\").replace('"', '\\"')
        quoted = quoted.replace(" ", "\n  ") if wrapped else quoted
        written = f"a: {style}{quoted}{style}\nb: 1\n"
    source = read(written)
    scalar = _value(written)
    assert isinstance(scalar, Scalar)
    assert scalar.text.split() == words
    start = 0
    for word in words:
        start = scalar.text.index(word, start)
        span = source.place_in(scalar, Span(start, start + len(word)))
        found = source.text[span.start : span.end]
        assert (yaml.safe_load(f"{style}{found}{style}") if style in "'\"" else found) == word
        start += len(word)


def test_a_plain_text_over_several_lines_is_found() -> None:
    """A folded plain text keeps its places line by line."""
    text = "a: mrr > 5\n   and\n\n   plan == 7\nb: 1\n"
    source, scalar = read(text), _value(text)
    assert isinstance(scalar, Scalar)
    start = scalar.text.index("plan")

    assert source.position(source.place_in(scalar, Span(start, start + 4)).start) == (4, 4)


def test_a_text_that_ends_early_points_at_its_end() -> None:
    """The end of a text has a place too: right behind its last character."""
    source = read("a: 'mrr >'\n")
    scalar = _value("a: 'mrr >'\n")
    assert isinstance(scalar, Scalar)

    assert source.position(source.place_in(scalar, Span(5, 5)).start) == (1, 10)


def test_lists_and_mappings_keep_their_order() -> None:
    """The tree is the file's, in its order."""
    value = _value("a:\n  - {x: 1, y: [2]}\n")
    assert isinstance(value, Sequence)
    first = value.items[0]
    assert isinstance(first, Mapping)

    assert [key.text for key, _ in first.entries] == ["x", "y"]


@given(st.text(max_size=60))
def test_no_text_makes_the_reader_raise(text: str) -> None:
    """Any text is read, or answered with faults inside it."""
    source: Source = read(text)
    for fault in source.faults:
        assert 0 <= fault.span.start <= fault.span.end <= len(source.text)


def _value(text: str) -> object:
    root = read(text).root
    assert isinstance(root, Mapping)
    return root.entries[0][1]


@pytest.mark.parametrize("text", ["a\x01", "\udcff", "\x00"])
def test_a_file_full_of_characters_that_are_not_allowed_is_told_so_in_short(text: str) -> None:
    """A hundred stretches of them are told and no more, or a file could ask for millions; a stretch is one fault."""
    assert 1 <= len(read("version: 1\n" + text * 100_000).faults) <= 101


@pytest.mark.parametrize("written", ["mrr >  1", "'mrr >  1'", '"mrr >  1"'])
def test_places_in_a_text_that_is_written_as_it_is_are_those_of_any_text(written: str) -> None:
    """The short way to a place and the long one come to the same, also for the empty stretch and the end."""
    source = read(f"when: {written}")
    assert isinstance(source.root, Mapping)
    scalar = source.root.entries[0][1]
    assert isinstance(scalar, Scalar)
    places = align(scalar.text, written, scalar.style, scalar.span.start)
    for start, end in itertools.combinations_with_replacement(range(len(scalar.text) + 1), 2):
        expected = (places[start].start, places[start].start if start == end else places[end - 1].end)
        assert source.place_in(scalar, Span(start, end)) == expected
