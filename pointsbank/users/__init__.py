"""Users: people who sign in to the pages, with a password, a one-time link, or at their company's identity provider."""
