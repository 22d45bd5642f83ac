"""/admin/programmes/<programme>/certification: who qualifies, and the certificates that come of it.

- `section`: what its pages have in common;
- `runs`, `issuing`: previews and runs; `learners`: why, or why not, of one learner;
- `certificates`, `deciding`: what was issued, and what becomes of it.
"""

from api.pages.admin.certification import certificates, deciding, issuing, learners, runs
from api.pages.admin.certification.section import blp

__all__ = ["blp", "certificates", "deciding", "issuing", "learners", "runs"]
