"""The reader of the usual way to write a rule agrees with the YAML library wherever it says anything."""

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from rules import source
from rules.plain_yaml import read_item

USUAL = (
    "- name: a\n  when: mrr > 1 \n  then: {add_tags: [a, b c], priority: high}\n  stop: true\n\n\n",
    "  - name: 'it''s'\n    then:\n      add_tags:\n      - a\n      - 'b'\n      note: x\n    on:\n    - created\n",
    "  - when: status == \"past_due\" and plan =~ '^a'\n    on:\n      - created\n      - message",
    "- name: a#b:c\n  canary: 5\n  then: {set_attributes: {tier: gold, n: 1, l: []}, note: 'x: y'}   \n",
    "- name: x\n  then: {}\n",
)

_PIECES = (
    *(
        r"""
- name: a
  when: mrr > 1
  when: 'it''s'
  then:
    add_tags: [a, b c]
    priority: high
  - a
    - a
    - 'b'
  then: {a: b, c: [d, 'e']}
  then: {a: {b: c}}
  then: {}
  on: [created]
  note: a # b
  note: a: b
  note: a #b
  # b
  note:  x
  x: a:b
      y
  x: [a, ]
  x: [a: b]
  x: {a}
  x: {a: }
  x: {'a': b}
  x: [a
  x: ]
  x: 'a' b
  x: -
  x: - a
  x: ~
  x: 'a
  x: &a b
  x: *a
  x: !b c
  x: |
  x: >-
   x: y
 x: y
x: y
- x: y
  X: y
  x : y
  x:y
  x: "y"
  x: é
    x: y
    x:
  x: a'b
  x: a]b
  x: [a]b
  x: {a: b}c
  x: a, b
  x: [a b  c, d:e]
  x: [a- b, -c]
  x: [[a], {b: c}]
  x: 'y'
  x: [a,b]
  x: {a: b , c:  d}
  x: {a : b}
  x: ''
  x: ['']
  x: (a) ? b
  x: a:
  x: a :b
...
---
  x: [ ]
  x: { }
  x: a#b
  x: 1.5
  x: @a
    -
    -
    - b: c
    - [a]
  x: [a , b]
  - a: b
  -a
    -a
  x: [a/b, a@b.c, +1, 1-2]
  x: {a-b: c.d}
"""
    ).splitlines()[1:],
    "",
    "  ",
    "  x:\ty",
    "    priority: high ",
    "  x: 'y'  ",
)


@pytest.mark.parametrize("text", USUAL)
def test_the_usual_is_read_without_the_library(text: str) -> None:
    """What many rulesets are written in is read, with the same nodes at the same places."""
    assert read_item(text) == _by_library(text)


@settings(max_examples=1500)
@given(st.lists(st.sampled_from(_PIECES), max_size=7), st.sampled_from(["", "\n", "\n\n", "\n  \n", "  "]))
def test_it_never_reads_otherwise_than_the_library(lines: list[str], end: str) -> None:
    """Whatever stands below a first line, either nothing is said or the same is read."""
    text = "\n".join(["- name: a", *lines]) + end
    read = read_item(text)

    assert read is None or read == _by_library(text)


def _by_library(text: str) -> object:
    reading = source._Reading(broken_lines=frozenset(), starts=[])
    try:
        root = reading.run(text)
    except yaml.MarkedYAMLError:
        return "a fault"
    return reading.faults or root
