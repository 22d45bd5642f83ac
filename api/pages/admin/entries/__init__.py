"""/admin/entries: the journal.

- `finding`: searched, and for spreadsheets;
- `one`: one entry with its reversal;
- `words`: what is said of them.
"""

from api.pages.admin.entries import one
from api.pages.admin.entries.finding import blp

__all__ = ["blp", "one"]
