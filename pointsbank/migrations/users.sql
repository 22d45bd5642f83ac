-- Users: people who sign in to the pages ------------------------------------------------------------------

CREATE TABLE users (
    company_id  bigint NOT NULL REFERENCES companies,
    no          integer NOT NULL,
    name        text COLLATE "C" NOT NULL,            -- which they sign in with, in lower case
    shown       text NOT NULL,
    roles       text[] NOT NULL CHECK (cardinality(roles) > 0 AND roles <@ ARRAY['learner', 'awarder', 'hr', 'admin']),
    learner     integer,                              -- who they are as a learner
    password    text,                                 -- its argon2id hash; NULL: none opens it
    issuer      text,                                 -- this and the subject: who they are at the identity provider
    subject     text,
    created_at  timestamptz NOT NULL DEFAULT now(),
    disabled_at timestamptz,
    PRIMARY KEY (company_id, no),
    UNIQUE (company_id, name),
    UNIQUE (company_id, issuer, subject),
    FOREIGN KEY (company_id, learner) REFERENCES learners,
    CHECK ((learner IS NOT NULL) OR NOT 'learner' = ANY (roles)),
    CHECK ((issuer IS NULL) = (subject IS NULL))
);
CREATE UNIQUE INDEX users_learner ON users (company_id, learner) WHERE learner IS NOT NULL;

-- Whom they are as awarders: one in each programme in which they hand out flowers.
CREATE TABLE user_awarders (
    company_id  bigint NOT NULL,
    user_no     integer NOT NULL,
    awarder     integer NOT NULL,
    PRIMARY KEY (company_id, user_no, awarder),
    FOREIGN KEY (company_id, user_no) REFERENCES users,
    FOREIGN KEY (company_id, awarder) REFERENCES awarders
);

-- A session is ended by deleting it. Of the secret in the cookie only a hash is kept.
CREATE TABLE user_sessions (
    company_id  bigint NOT NULL,
    secret_hash bytea NOT NULL CHECK (octet_length(secret_hash) = 32),
    user_no     integer NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    seen_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (company_id, secret_hash),
    FOREIGN KEY (company_id, user_no) REFERENCES users
);
CREATE INDEX user_sessions_user ON user_sessions (company_id, user_no);

CREATE TABLE sign_in_links (
    company_id  bigint NOT NULL,
    secret_hash bytea NOT NULL CHECK (octet_length(secret_hash) = 32),
    user_no     integer NOT NULL,
    expires_at  timestamptz NOT NULL,
    PRIMARY KEY (company_id, secret_hash),
    FOREIGN KEY (company_id, user_no) REFERENCES users
);
CREATE INDEX sign_in_links_end ON sign_in_links (company_id, expires_at);

-- Passwords that were tried, by who tried which name from where; of company 0 where there is no such company.
CREATE TABLE sign_in_attempts (
    company_id  bigint NOT NULL,
    who         bytea NOT NULL CHECK (octet_length(who) = 32),
    tried       integer NOT NULL,
    last_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (company_id, who)
);
CREATE INDEX sign_in_attempts_last ON sign_in_attempts (company_id, last_at);

-- OpenID Connect: at most one provider of a company.
CREATE TABLE identity_providers (
    company_id  bigint PRIMARY KEY REFERENCES companies,
    issuer      text NOT NULL,
    client_id   text NOT NULL,
    sealed      bytea NOT NULL,                       -- the client's secret (credentials.sealing)
    name_claim  text NOT NULL,                        -- whose value is the name of a user
    learner_claim text                                -- whose value is a learner's id; NULL: learners need a user first
);

-- What users did to keys, tokens, origins, users and signing keys.
CREATE TABLE acts (
    company_id  bigint NOT NULL,
    no          bigint NOT NULL,
    at          timestamptz NOT NULL DEFAULT now(),
    by_user     integer NOT NULL,
    act         text NOT NULL,
    subject     text NOT NULL,                        -- by its name at that time
    PRIMARY KEY (company_id, no),
    FOREIGN KEY (company_id, by_user) REFERENCES users
);

GRANT SELECT, INSERT ON acts TO pointsbank_service;
GRANT SELECT, INSERT, UPDATE ON users, identity_providers, sign_in_attempts TO pointsbank_service;
GRANT SELECT, INSERT, DELETE ON user_awarders, sign_in_links TO pointsbank_service;
GRANT SELECT, INSERT, DELETE, UPDATE (seen_at) ON user_sessions TO pointsbank_service;
GRANT DELETE ON sign_in_attempts, identity_providers TO pointsbank_service;
