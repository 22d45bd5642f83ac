-- Keys that certificates are signed with ------------------------------------------------------------------

-- Made with a company's first key, and never changed: the places of certificates in status lists, and the salts of
-- learners' ids in credentials, follow from it.
CREATE TABLE issuer_secrets (
    company_id  bigint PRIMARY KEY REFERENCES companies,
    secret      bytea NOT NULL CHECK (octet_length(secret) = 32)
);

-- A key signs until it is retired; what it signed stays good, unless it is revoked. The private half goes when the key
-- is retired, so nothing can be signed with it any more.
CREATE TABLE signing_keys (
    company_id  bigint NOT NULL REFERENCES companies,
    no          integer NOT NULL CHECK (no >= 1),     -- key-1, key-2, … of the issuer's document
    public_key  bytea NOT NULL CHECK (octet_length(public_key) = 32),  -- Ed25519
    sealed      bytea,                                -- the private half (credentials.sealing)
    created_at  timestamptz NOT NULL DEFAULT now(),
    retired_at  timestamptz,
    revoked_at  timestamptz,
    reason      text,                                 -- of the revocation
    PRIMARY KEY (company_id, no),
    CHECK ((sealed IS NULL) = (retired_at IS NOT NULL)),
    CHECK (revoked_at IS NULL OR retired_at IS NOT NULL),
    CHECK ((revoked_at IS NULL) = (reason IS NULL))
);
CREATE UNIQUE INDEX signing_keys_current ON signing_keys (company_id) WHERE retired_at IS NULL;

GRANT SELECT, INSERT ON issuer_secrets, signing_keys TO pointsbank_service;
GRANT UPDATE (sealed, retired_at, revoked_at, reason) ON signing_keys TO pointsbank_service;
