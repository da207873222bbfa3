"""Only the functions of the language are used, with as many arguments as they take and of the right types."""

from collections.abc import Iterator

from rules.checks.subject import Subject
from rules.diagnostics import Finding
from rules.kinds import CONSTANTS, FUNCTIONS, Kind, fits
from rules.suggestions import did_you_mean
from rules.tree import Builtin, Call, Span

_INSTEAD = {
    "any": "write the conditions with `or`",
    "all": "write the conditions with `and`",
    "filter": 'ask for one item: `"vip" in tags`',
    "map": 'ask for one item: `"vip" in tags`',
    "range": "write the numbers out: `x in [1, 2, 3]`",
    "random": "give the rule a `canary` to act on a part of the conversations",
    "parse_timedelta": 'write the duration out: `t"P7D"`',
    "pi": "write the number out",
    "e": "write the number out",
    "re_groups": 'ask for a match only: `subject =~ "refund"`',
}


def check(subject: Subject) -> Iterator[Finding]:
    """Yield a finding for each `$name` that is refused, unknown or misused."""
    for name in subject.each(Builtin):
        if name.name in FUNCTIONS:
            message = f"`${name.name}` is a function"
            yield Finding(code="not_called", message=message, span=name.span, hint=f"write `${name.name}(…)`")
        elif name.name not in CONSTANTS:
            yield _unknown(name.name, name.span)
    for call in subject.each(Call):
        if call.name in CONSTANTS:
            message = f"`${call.name}` is a value, not a function"
            hint = f"write `${call.name}` without parentheses"
            yield Finding(code="not_a_function", message=message, span=call.name_span, hint=hint)
        elif call.name not in FUNCTIONS:
            yield _unknown(call.name, call.name_span)
        else:
            yield from _arguments(call, subject)


def _unknown(name: str, span: Span) -> Finding:
    if name in _INSTEAD:
        message = f"`${name}` is not part of the language"
        return Finding(code="not_allowed", message=message, span=span, hint=_INSTEAD[name])
    close = did_you_mean(name, (*CONSTANTS, *FUNCTIONS))
    hint = (
        close.replace("`", "`$", 1) if close else f"there are {', '.join(f'`${n}`' for n in (*CONSTANTS, *FUNCTIONS))}"
    )
    return Finding(code="unknown_function", message=f"there is no function `${name}`", span=span, hint=hint)


def _arguments(call: Call, subject: Subject) -> Iterator[Finding]:
    signature = FUNCTIONS[call.name]
    given, most = len(call.arguments), len(signature.takes)
    if not signature.required <= given <= most:
        takes = f"{signature.required}" if signature.required == most else f"{signature.required} to {most}"
        message = f"`${call.name}` takes {takes} {'argument' if takes == '1' else 'arguments'}, not {given}"
        is_list = signature.takes[0].kind is Kind.LIST and given > 1
        hint = f"write a list: `${call.name}([…])`" if is_list else None
        yield Finding(code="argument_count", message=message, span=call.span, hint=hint)
        return
    for argument, wanted in zip(call.arguments, signature.takes, strict=False):
        if not fits(subject.type_of(argument), wanted):
            message = f"`${call.name}` needs {wanted.with_article}, but {subject.described(argument)}"
            is_list = wanted.kind is Kind.LIST
            hint = f"write a list: `${call.name}([{subject.written(argument)}])`" if is_list else None
            yield Finding(code="argument_type", message=message, span=argument.span, hint=hint)
