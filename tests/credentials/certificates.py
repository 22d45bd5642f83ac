"""A certificate, and texts that have broken programs before."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from credentials.content import Content, Equal, Result

BASE_URL = "https://bank.example:8443"

CONTENT = Content(
    number="PB-2022-000123-7KQ4MX9T",
    kind="qualification",
    level="初级",
    name={"zh": "任职资格证", "en": "Qualification certificate"},
    criteria={"zh": "至少 60 积分", "en": "At least 60 credits"},
    company="acme",
    company_name="示范公司",
    programme="2021",
    programme_name="2021届训练营",
    rule="service-1",
    rulebook_version=3,
    learner="20210001",
    learner_name="李雷",
    credits="96.50",
    results=(
        Result("scored", {"zh": "考试", "en": "Exams"}, "86.50"),
        Result("debate", {"zh": "辩论", "en": "Debate"}, "10.00"),
    ),
    equals=(Equal("talent", "P2"),),
    cut_off=datetime(2022, 6, 30, 16, tzinfo=UTC),
    issued_at=datetime(2022, 7, 1, 2, 30, tzinfo=UTC),
    valid_until=datetime(2030, 7, 1, 2, 30, tzinfo=UTC),
    timezone=ZoneInfo("Asia/Shanghai"),
    base_url=BASE_URL,
    status_list=1,
    status_index=94_567,
)

HOSTILE = [
    'Robert "Bobby" Tables',
    "back\\slash \\n \\u0041 \\",
    "𠮷野家㛃",
    "👩‍👩‍👧‍👦 🇨🇳 emoji",
    "\u202eright to left\u202c",
    "\u200fعربي\u200e",
    "e\u0301\u0327\u0323\u0308 combining",
    "\u00e9 e\u0301 the same twice",
    "zero\u200bwidth\u200djoined\ufeff",
    "line\u2028paragraph\u2029",
    "  spaces   inside\u00a0",
    "<script>alert(1)</script>&amp;",
    '" . <urn:x> <urn:y> "z',
    '{"@id": "urn:leaf:0"}',
    "urn:leaf:0",
    "_:c14n0",
    "@context",
    "https://example.org/",
    "é" * 200,
    "𝕏" * 200,
    "\U0010fffd\ue000\uf8ff private",
    "\uff01\u3000full width",
    "'; DROP TABLE certificates; --",
    "%00 %s {0} $1",
    "1e400",
    "null",
    "-0.0",
    "z\u0335\u0321\u0322a\u0336l\u0337g\u0338o\u0334",
]


def hostile_names(count: int) -> list[str]:
    """As many, all different, none longer than a name may be."""
    names = list(HOSTILE)
    for number in range(count - len(names)):
        first, second = HOSTILE[number % len(HOSTILE)], HOSTILE[(number * 7 + 3) % len(HOSTILE)]
        names.append(f"{first[:90]} {number} {second[:90]}")
    assert len(set(names)) == count
    assert all(len(name) <= 200 for name in names)
    return names
