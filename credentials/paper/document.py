"""The PDF of a certificate: which texts stand where, and the credential that is attached."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from credentials.content import Content, Line
from credentials.paper import design, fonts, statement, wording
from credentials.paper.certificates import points, qualification
from credentials.paper.embedding import Embedding
from credentials.paper.errors import MissingGlyphs
from credentials.paper.sheet import Sheet

CREDENTIAL_FILE = "credential.json"
_PRINTABLE_ASCII = "".join(map(chr, range(0x20, 0x7F)))


def document(content: Content, lines: Sequence[Line], credential: bytes) -> bytes:
    """Raises MissingGlyphs."""
    said = list(texts(content, lines))
    missing = {text: characters for text in said if (characters := fonts.missing(text))}
    if missing:
        raise MissingGlyphs(missing)
    with TemporaryDirectory() as folder:
        sheet = Sheet([*said, _fixed()], Path(folder), content.issued_at)
        sheet.set_title(wording.title(content))
        sheet.set_author(content.company_name)
        sheet.set_subject(content.verify_url)
        sheet.set_creator("Points bank")
        if content.kind == "points":
            points.draw(sheet, content)
        else:
            qualification.draw(sheet, content)
        if lines:
            statement.draw(sheet, content, lines, design.POINTS)
        sheet.embed_file(
            bytes=credential,
            basename=CREDENTIAL_FILE,
            desc=f"Open Badges 3.0 credential {content.number}",
            creation_date=content.issued_at,
            modification_date=content.issued_at,
            mime_type="application/ld+json",
            associated_file_relationship="Alternative",
            compress=True,
            checksum=True,
        )
        return bytes(sheet.output(output_producer_class=Embedding))


def texts(content: Content, lines: Sequence[Line]) -> Iterator[str]:
    """All that is not the same on every certificate."""
    yield from (content.company_name, content.programme_name, content.learner_name, content.number, content.credits)
    yield from (content.verify_url, content.name["zh"], content.name["en"])
    yield from (wording_of.zh for wording_of in wording.facts(content))
    if not lines:
        return
    for result in content.results:
        yield from (result.name["zh"], result.name["en"], result.value)
    for line in lines:
        yield from (line.what["zh"], line.what["en"], line.course or "", line.amount, line.balance)


def _fixed() -> str:
    """The characters of what is the same on every certificate."""
    said = (value for value in vars(wording).values() if isinstance(value, str | tuple))
    return _PRINTABLE_ASCII + "年月日在中累计获得积分符合本证授予条件，特发此证。完成的学习与考核“”" + str(list(said))
