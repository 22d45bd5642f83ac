"""Certificates as documents that a stranger can check: Open Badges credentials, badges, paper.

Knows no rules and no HTTP: what a certificate says comes in as a `credentials.content.Content`.
"""
