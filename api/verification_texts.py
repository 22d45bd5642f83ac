"""The words of the verification page, in Chinese and English."""

from datetime import datetime

from api.language import LANGUAGES, Language
from credentials.content import Content
from credentials.paper.wording import day

TEXTS: dict[Language, dict[str, str]] = {
    "zh": {
        "lang": "zh-CN",
        "page": "证书核验",
        "other": "English",
        "valid": "证书有效",
        "valid_says": "签名属实，未被撤销。",
        "expired": "证书已过期",
        "expired_says": "签名属实；有效期已过。",
        "revoked": "证书已被撤销",
        "revoked_says": "颁发单位已撤销此证书，请勿采信。",
        "untrusted": "无法证明真实",
        "untrusted_says": "此证书的数字签名未能通过核验，请勿采信，并联系颁发单位。",
        "unknown": "查无此证",
        "unknown_says": "没有这个编号的证书。请对照证书，逐字核对编号。",
        "limited": "查询过于频繁",
        "limited_says": "来自您的网络的查询过多，请在 {seconds} 秒后再试。",
        "away": "暂时无法核验",
        "away_says": "系统正在维护，请稍后再试。这不说明证书的真伪。",
        "ask": "核验证书",
        "ask_says": "请输入证书上的编号。",
        "holder": "持证人",
        "programme": "培训项目",
        "level": "等级",
        "credits": "积分",
        "equals": "对等",
        "issued": "颁发日期",
        "until": "有效期至",
        "unlimited": "长期有效",
        "issuer": "颁发单位",
        "number": "证书编号",
        "criteria": "授予条件",
        "revoked_at": "撤销时间",
        "revoked_reason": "撤销原因",
        "genuine": "数字签名已于 {time} 当场核验（Ed25519，eddsa-rdfc-2022）。",
        "credential": "可验证凭证（JSON）",
        "badge": "徽章（PNG）",
        "linkedin": "添加到 LinkedIn",
        "check": "核验",
        "for_others": "凭证采用 Open Badges 3.0 与 W3C 可验证凭证标准，任何第三方工具均可独立核验。",
    },
    "en": {
        "lang": "en",
        "page": "Certificate verification",
        "other": "中文",
        "valid": "Certificate is valid",
        "valid_says": "Its signature is genuine and it has not been revoked.",
        "expired": "Certificate has expired",
        "expired_says": "Its signature is genuine; its validity has ended.",
        "revoked": "Certificate was revoked",
        "revoked_says": "The issuer has revoked it. Do not rely on it.",
        "untrusted": "Not proven genuine",
        "untrusted_says": "The digital signature does not hold. Do not rely on it, and tell the issuer.",
        "unknown": "No such certificate",
        "unknown_says": "No certificate has this number. Compare it with the paper, letter by letter.",
        "limited": "Too many requests",
        "limited_says": "Too many requests from your network. Try again in {seconds} seconds.",
        "away": "Cannot be verified at the moment",
        "away_says": "The service is away. Try again later; this says nothing about the certificate.",
        "ask": "Verify a certificate",
        "ask_says": "Enter the number that stands on the certificate.",
        "holder": "Holder",
        "programme": "Programme",
        "level": "Level",
        "credits": "Credits",
        "equals": "Equals",
        "issued": "Issued",
        "until": "Valid until",
        "unlimited": "without limit",
        "issuer": "Issued by",
        "number": "Certificate No.",
        "criteria": "Requirements",
        "revoked_at": "Revoked",
        "revoked_reason": "Reason",
        "genuine": "The signature was checked just now, {time} (Ed25519, eddsa-rdfc-2022).",
        "credential": "Credential (JSON)",
        "badge": "Badge (PNG)",
        "linkedin": "Add to LinkedIn",
        "check": "Verify",
        "for_others": "Open Badges 3.0 and W3C Verifiable Credentials: any tool for these can check the credential.",
    },
}


def date_in(language: Language, at: datetime, content: Content) -> str:
    """The day in the company's time zone."""
    return day(at, content)[LANGUAGES.index(language)]


def time_in(language: Language, at: datetime, content: Content) -> str:
    local = at.astimezone(content.timezone)
    return f"{date_in(language, at, content)} {local:%H:%M} (UTC{local:%z})".replace("00)", ":00)")
