"""Everything that a client can reach over HTTP."""
