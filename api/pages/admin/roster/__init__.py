"""/admin/programmes/…/roster: learners from a file, which is uploaded, compared with the directory, shown with every
problem, and only then taken over. Each step has a module of its own; `here` is what they share."""

from api.pages.admin.roster import columns, lists, preview, upload
from api.pages.admin.roster.here import blp

__all__ = ["blp", "columns", "lists", "preview", "upload"]
