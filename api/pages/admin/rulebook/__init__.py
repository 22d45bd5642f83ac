"""/admin/programmes/{programme}/rulebook: a programme's rules, written as cards or as JSON, tried on what is booked,
put in force, and compared with what they were."""

from api.pages.admin.rulebook import editing, ground, trying, versions

blp = ground.blp

__all__ = ["blp", "editing", "trying", "versions"]
