"""Everything that can go wrong, as one tree.

PointsBankError
├── Malformed             400  the body is not what its content type says
├── Unauthorised          401
│   ├── TokenUnknown      401  a widget token that this service did not make, or not for this route
│   ├── TokenExpired      401
│   └── TokenRevoked      401
├── Forbidden             403
│   ├── OtherBoard        403  a widget token reads one board
│   └── OriginNotListed   403  a widget is shown on the company's own pages only
├── NotFound              404
├── Conflict              409  the change contradicts what is booked
│   └── Closed            409  a course or programme that takes nothing more
├── TooLarge              413
├── UnsupportedMediaType  415
├── Invalid               422  one or more fields are wrong
├── RateLimited           429
└── Unavailable           503  the database cannot be reached; trying again is safe

The packages `ledger` and `rules` hang their own errors into this tree. Each error has a `slug` that reaches
the client unchanged as the last part of the problem's `type` (RFC 9457), and a `status`.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

FieldError = tuple[str, str]
"""A path such as `data.score` or `earning[0].cap.amount`, and what to do about it."""


class PointsBankError(Exception):
    """`detail` says what is wrong and what to do; `errors` name fields; `extra` are further problem members."""

    slug: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal error"

    def __init__(self, detail: str, *, errors: Sequence[FieldError] = (), **extra: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = list(errors)
        self.extra = extra


class Malformed(PointsBankError):
    """The body is not what its content type says; the detail says where."""

    slug, status, title = "malformed", 400, "Malformed request"


class Unauthorised(PointsBankError):
    """The API key is missing, unknown or revoked."""

    slug, status, title = "unauthorised", 401, "Unauthorised"


class Forbidden(PointsBankError):
    """The API key lacks the scope that the detail names."""

    slug, status, title = "forbidden", 403, "Forbidden"


class TokenUnknown(Unauthorised):
    """The widget token is not one of this service's, or is used where only an API key is taken."""

    slug, title = "token-unknown", "Unknown widget token"


class TokenExpired(Unauthorised):
    """The widget token was made for a time that is over."""

    slug, title = "token-expired", "Widget token expired"


class TokenRevoked(Unauthorised):
    """The widget token was revoked by the company that made it."""

    slug, title = "token-revoked", "Widget token revoked"


class OtherBoard(Forbidden):
    """The widget token reads another board than the one that was asked for."""

    slug, title = "other-board", "Another board"


class OriginNotListed(Forbidden):
    """The page that shows the widget is of an origin that the company does not list."""

    slug, title = "origin-not-listed", "Origin not listed"


class NotFound(PointsBankError):
    """There is no such thing in this company."""

    slug, status, title = "not-found", 404, "Not found"


class Conflict(PointsBankError):
    """The change contradicts what is booked."""

    slug, status, title = "conflict", 409, "Conflict with what is booked"


class Closed(Conflict):
    """The course or programme is closed and takes nothing more."""

    slug, title = "closed", "Closed"


class TooLarge(PointsBankError):
    """The body, or one of its parts, is over a limit; send it in parts."""

    slug, status, title = "too-large", 413, "Too large"


class UnsupportedMediaType(PointsBankError):
    """The content type or encoding is not taken; the detail names those that are."""

    slug, status, title = "unsupported-media-type", 415, "Unsupported media type"


class Invalid(PointsBankError):
    """One or more fields are wrong; `errors` names each and what to do."""

    slug, status, title = "validation", 422, "Validation failed"

    @classmethod
    def field(cls, path: str, message: str) -> "Invalid":
        """The error of a single field."""
        return cls(f"{path}: {message}", errors=[(path, message)])


class RateLimited(PointsBankError):
    """Too many requests; wait as long as Retry-After says."""

    slug, status, title = "rate-limited", 429, "Too many requests"


class Unavailable(PointsBankError):
    """The database cannot be reached at the moment; nothing is lost, send the request again."""

    slug, status, title = "unavailable", 503, "Temporarily unavailable"
