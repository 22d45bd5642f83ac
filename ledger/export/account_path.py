"""An account's code taken apart into the levels of a chart of accounts."""

_TOPS = (
    ("issuance", "Equity"),
    ("pool:programme:", "Assets"),
    ("pool:course:", "Assets"),
    ("allowance:", "Assets"),
    ("holding:", "Assets"),
    ("escrow:", "Assets"),
    ("retired:", "Expenses"),
)


def account_path(code: str, unit: str) -> tuple[str, list[str], list[str]]:
    """The top level, the levels of the account's class, and its owners' keys as they are.

    Keys may hold colons, and an allowance's code has two: what stands behind the last is its unit's course.
    """
    for prefix, top in _TOPS:
        if code.startswith(prefix):
            owner = code[len(prefix) :]
            levels = prefix.strip(":").split(":")
            if not owner:
                return top, levels, []
            course = ":" + unit.partition(":")[2]
            if levels == ["allowance"] and owner.endswith(course):
                return top, levels, [owner[: -len(course)], course[1:]]
            return top, levels, [owner]
    raise AssertionError(f"no class of accounts has the code {code}")
