"""The pages that people use: HTML of the server, in Chinese and English.

A page is a view of a blueprint that `api.pages.frame.pages` makes, which sees to its language, headers, forms and
errors; `api.pages.access.allows` says who may see it. What it looks like stands in api/web/pages.
"""
