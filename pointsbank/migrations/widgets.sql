-- Widgets: signed tokens with which a page reads one board ------------------------------------------------

-- Made with a company's first token. Every token is signed with it, so another one revokes them all.
CREATE TABLE widget_secrets (
    company_id  bigint PRIMARY KEY REFERENCES companies,
    secret      bytea NOT NULL CHECK (octet_length(secret) = 32)
);

CREATE TABLE widget_tokens (
    company_id  bigint NOT NULL REFERENCES companies,
    no          bigint NOT NULL,                      -- in the order of making
    id          text COLLATE "C" NOT NULL,            -- what the token's signature is of, so it cannot be counted up
    name        text,
    scope       text NOT NULL,                        -- the board, in the words of the API
    unit        text NOT NULL,
    members     text NOT NULL,
    period      text NOT NULL,
    score       text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    expires_at  timestamptz NOT NULL,
    revoked_at  timestamptz,
    PRIMARY KEY (company_id, no),
    UNIQUE (company_id, id)
);

GRANT SELECT, INSERT ON widget_secrets, widget_tokens TO pointsbank_service;
GRANT UPDATE (revoked_at) ON widget_tokens TO pointsbank_service;
