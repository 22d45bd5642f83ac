"""Drafts in the text form of COPY, as rows of pg_temp.staged (pointsbank.staging)."""

from collections.abc import Iterator

from ledger.draft import Draft

COPY_CHUNK_ROWS = 500
"""Rows encoded before they are sent, so that PostgreSQL reads one chunk while the next is made."""


def staged(drafts: list[Draft]) -> Iterator[str]:
    """The drafts in the text form of COPY, in the column order of pg_temp.staged (pointsbank.staging)."""
    tails: dict[tuple[int | None, ...], str] = {}
    for start in range(0, len(drafts), COPY_CHUNK_ROWS):
        lines: list[str] = []
        for ordinal, d in enumerate(drafts[start : start + COPY_CHUNK_ROWS], start + 1):
            at = d.occurred_at.isoformat()
            dimensions = (d.source, d.kind, d.programme, d.course, d.team, d.awarder, d.rulebook_version, d.reverses)
            tail = tails.get(dimensions)
            if tail is None:
                tail = tails[dimensions] = "\t".join([_NULL if value is None else str(value) for value in dimensions])
            transfers = d.transfers
            data = _NULL if d.data is None else d.data.decode()
            head = (
                f"{d.fingerprint}\t{_text(d.key)}"
                f"\t{_NULL if d.reason is None else _text(d.reason)}\t{_NULL if d.note is None else _text(d.note)}"
                f"\t{data if _BACKSLASH not in data or d.data is None else _text(data)}\t{d.learner or _NULL}"
                f"\t{_NULL if len(transfers) == 1 and transfers[0].learner == d.learner else _holders(d)}"
                f"\t{len(transfers)}\t{tail}"
            )
            if not transfers:
                lines.append(f"{ordinal}\t1\t{at}\t{_NO_TRANSFER}\t{head}\n")
            for line, t in enumerate(transfers, 1):
                lines.append(
                    f"{ordinal}\t{line}\t{at}\t{t.learner}\t{t.unit}\t{t.debit}\t{t.credit}\t{t.amount}\t{t.earning}"
                    f"\t{_NULL if t.rule is None else t.rule}\t{head if line == 1 else _NO_HEAD}\n"
                )
        yield "".join(lines)


_BACKSLASH = "\\"
_NULL = "\\N"
_NO_HEAD = "\t".join([_NULL] * 16)
_NO_TRANSFER = "\t".join([_NULL] * 7)
_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"})


def _holders(draft: Draft) -> str:
    """Whose transfers the entry has, if they are not all its learner's: without it they could not be found again."""
    own = draft.learner or 0
    for transfer in draft.transfers:
        if transfer.learner != own:
            return int_array(sorted({t.learner for t in draft.transfers}))
    return _NULL


def _text(value: str | None) -> str:
    if value is None:
        return _NULL
    if value.isprintable() and "\\" not in value:
        return value
    return value.translate(_ESCAPES)


def int_array(values: list[int]) -> str:
    """PostgreSQL's text form of an array, many times quicker to make than by psycopg's element-wise dumper."""
    return "{" + ",".join(map(str, values)) + "}"
