"""Public ids of entries and transfers.

An entry's id is a UUID of version 8 (RFC 9562) made of the company (60 bits) and the entry's number
(62 bits): unique across companies, in the order of the journal, and nothing has to be stored for it.
"""

import uuid

_NUMBER_BITS = 62
_LOW_12 = 0xFFF


def entry_id(company_id: int, number: int) -> str:
    high = (company_id >> 12) << 16 | 0x8000 | (company_id & _LOW_12)
    digits = f"{high << 64 | 0b10 << _NUMBER_BITS | number:032x}"  # by hand: uuid.UUID takes three times as long
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"


def transfer_id(company_id: int, number: int, line: int) -> str:
    return f"{entry_id(company_id, number)}.{line}"


def number_of(company_id: int, text: str) -> int | None:
    """The number of this company's entry with that id; None if the text is not the id of one."""
    try:
        value = uuid.UUID(text).int
    except ValueError:
        return None
    number = value & ((1 << _NUMBER_BITS) - 1)
    return number if entry_id(company_id, number) == text.lower() else None
