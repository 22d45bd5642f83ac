"""From rules to certificates: runs that judge everybody in a programme, what they issue, and what becomes of it.

- `run`, `evaluating`, `issuing`: a run, from its start to its last certificate, whatever is killed meanwhile;
- `register`: the certificates there are;
- `revoking`, `reviewing`: what may become of one; `audit`: what must stay true of all.
"""
