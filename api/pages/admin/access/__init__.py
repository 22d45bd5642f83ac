"""/admin/access: who and what gets in. Keys of machines, tokens of widgets, origins, users, keys that sign; and what
was done to them by whom. What opens something is shown once, in the answer to the form that made it."""

from api.pages.admin.access import keys, origins, overview, signing, users, widgets
from api.pages.admin.access.shell import blp

__all__ = ["blp", "keys", "origins", "overview", "signing", "users", "widgets"]
