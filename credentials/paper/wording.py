"""What certificates say around what they are given, in Chinese and English."""

from dataclasses import dataclass
from datetime import datetime

from credentials.content import Content

_MONTHS = "January February March April May June July August September October November December".split()  # noqa: SIM905 - reads better

NUMBER = ("证书编号", "Certificate No.")
ISSUED = ("颁发日期", "Issued")
VALID_UNTIL = ("有效期至", "Valid until")
UNLIMITED = ("长期有效", "without limit")
LEVEL = ("等级", "Level")
CREDITS = ("积分", "Credits")
EQUALS = ("对等", "Equals")
ISSUER = ("颁发单位", "Issued by")
CERTIFY = "兹证明  ·  This is to certify that"
VERIFY = ("扫描二维码，或打开网址核验真伪", "Scan the code or open the address to verify")
INSIDE = "本文件内附可验证凭证 credential.json · A verifiable credential is attached to this file"
STATEMENT = ("积分明细", "Statement of credits")
SUMS = ("积分构成", "By source")
COLUMNS = (("日期", "Date"), ("事由", "For"), ("课程", "Course"), ("积分", "Credits"), ("累计", "Balance"))
PAGE = "第 {page} 页，共 {of} 页 · Page {page} of {of}"


@dataclass(frozen=True, slots=True)
class Fact:
    """`zh` and `en` are its value; the same if it has no language."""

    label: tuple[str, str]
    zh: str
    en: str


def day(at: datetime, content: Content) -> tuple[str, str]:
    local = at.astimezone(content.timezone)
    return f"{local.year}年{local.month}月{local.day}日", f"{local.day} {_MONTHS[local.month - 1]} {local.year}"


def sentence(content: Content) -> tuple[str, str]:
    """Why the certificate was given, in a sentence that goes on after the holder's name."""
    if content.kind == "points":
        return (
            f"在“{content.programme_name}”中累计获得 {content.credits} 积分，符合本证授予条件，特发此证。",
            f"has earned {content.credits} credits in {content.programme_name}, as this certificate requires.",
        )
    return (
        f"完成“{content.programme_name}”的学习与考核，符合“{content.name['zh']}”授予条件，特发此证。",
        f"has completed {content.programme_name} and meets the requirements of: {content.name['en']}.",
    )


def facts(content: Content) -> list[Fact]:
    """What stands side by side under the sentence."""
    found = []
    if content.level is not None:
        found.append(Fact(LEVEL, content.level, content.level))
    if content.kind == "qualification":
        found.append(Fact(CREDITS, content.credits, content.credits))
    if content.equals:
        levels = "、".join(f"{each.system} {each.level}" for each in content.equals)
        found.append(Fact(EQUALS, levels, levels))
    found.append(Fact(ISSUED, *day(content.issued_at, content)))
    until = UNLIMITED if content.valid_until is None else day(content.valid_until, content)
    found.append(Fact(VALID_UNTIL, *until))
    return found


def title(content: Content) -> str:
    """Of the document."""
    return f"{content.name['zh']} {content.name['en']} · {content.learner_name} · {content.number}"


def both(texts: tuple[str, str]) -> str:
    return f"{texts[0]} {texts[1]}"


def in_both(zh: str, en: str) -> str:
    return zh if zh == en else f"{zh}  {en}"
