-- Big screens: links that open one without signing in ------------------------------------------------------

CREATE TABLE displays (
    company_id  bigint NOT NULL,
    no          integer NOT NULL,
    programme   integer NOT NULL,
    name        text NOT NULL,                        -- where it hangs
    hides_names boolean NOT NULL,
    score       text NOT NULL CHECK (score IN ('sum', 'mean')),  -- of teams
    secret_hash bytea NOT NULL CHECK (octet_length(secret_hash) = 32),
    created_at  timestamptz NOT NULL DEFAULT now(),
    revoked_at  timestamptz,
    PRIMARY KEY (company_id, no),
    UNIQUE (company_id, secret_hash),
    FOREIGN KEY (company_id, programme) REFERENCES programmes
);

-- By what number a learner is called where names are hidden: drawn once, in no order that anybody knows.
CREATE TABLE pseudonyms (
    company_id  bigint NOT NULL,
    programme   integer NOT NULL,
    learner     integer NOT NULL,
    number      integer NOT NULL CHECK (number >= 1),
    PRIMARY KEY (company_id, programme, learner),
    UNIQUE (company_id, programme, number),
    FOREIGN KEY (company_id, programme) REFERENCES programmes,
    FOREIGN KEY (company_id, learner) REFERENCES learners
);

GRANT SELECT, INSERT ON displays, pseudonyms TO pointsbank_service;
GRANT UPDATE (revoked_at) ON displays TO pointsbank_service;
