-- Certificates: the runs that judge everybody in a programme, what each run found, and what was issued. Each issue and
-- each revocation is an entry of the journal as well, with a key made from the certificate; the audit compares the two.

CREATE TABLE certification_runs (
    company_id        bigint NOT NULL,
    no                integer NOT NULL,
    programme         integer NOT NULL,
    rulebook_version  integer NOT NULL,
    cut_off           timestamptz NOT NULL,             -- exclusive
    number            bigint NOT NULL,                  -- of the journal: what was booked after it does not count
    issues            boolean NOT NULL,                 -- false: a preview
    confirmed         boolean NOT NULL,                 -- warnings do not stop it
    reissues          boolean NOT NULL,                 -- also those whose certificate was revoked
    request_key       text COLLATE "C",                 -- of the client, so that asking again makes no second run
    stage             text NOT NULL CHECK (stage IN ('evaluating', 'issuing', 'finished', 'stopped', 'failed')),
    learners          integer NOT NULL,                 -- to be evaluated
    evaluated         integer NOT NULL DEFAULT 0,
    last_learner      integer NOT NULL DEFAULT 0,       -- evaluated up to this number
    qualified         integer NOT NULL DEFAULT 0,       -- learners and certificates: one who qualifies for two counts twice
    short             integer NOT NULL DEFAULT 0,
    held              integer NOT NULL DEFAULT 0,       -- of those that qualify
    revoked           integer NOT NULL DEFAULT 0,       -- of those that qualify
    issued            integer NOT NULL DEFAULT 0,
    warnings          jsonb NOT NULL DEFAULT '[]',
    problem           jsonb,                            -- why it failed
    attempts          integer NOT NULL DEFAULT 0,       -- that failed, one after the other
    started_at        timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at       timestamptz,
    forgotten_at      timestamptz,                      -- when its results were deleted: it had issued nothing
    worker            text,                             -- who works on it until due_at
    due_at            timestamptz,                      -- when any worker may take it up; NULL: never again
    PRIMARY KEY (company_id, no),
    UNIQUE (company_id, request_key),
    FOREIGN KEY (company_id, programme, rulebook_version) REFERENCES rulebooks,
    CHECK ((finished_at IS NULL) = (stage IN ('evaluating', 'issuing'))),
    CHECK ((due_at IS NULL) = (finished_at IS NOT NULL))
);
-- As matches_due: every few seconds each worker asks what of any company is due.
CREATE INDEX certification_runs_due ON certification_runs (due_at, company_id, no) WHERE due_at IS NOT NULL;

-- `standing`: short; new: qualified, and has none; issued: by this run; held: has one, or had it from another run first;
-- revoked: the one that was issued is revoked, and is not issued again by itself.
CREATE TABLE certification_results (
    company_id    bigint NOT NULL,
    run           integer NOT NULL,
    learner       integer NOT NULL,
    place         smallint NOT NULL,                  -- of the certificate in the rulebook, from 0
    rule          text COLLATE "C" NOT NULL,
    standing      text NOT NULL CHECK (standing IN ('short', 'new', 'issued', 'held', 'revoked')),
    qualified     boolean NOT NULL,
    certificate   bigint,                             -- issued, held or revoked
    entries       bigint[],                           -- all that it rests on, if it is qualified; the explanation names some
    explanation   jsonb NOT NULL,                     -- entries by their numbers
    PRIMARY KEY (company_id, run, learner, place),
    FOREIGN KEY (company_id, run) REFERENCES certification_runs,
    FOREIGN KEY (company_id, learner) REFERENCES learners
);
CREATE INDEX certification_results_new ON certification_results (company_id, run, learner, place) WHERE standing = 'new';

-- The last serial of a certificate; none is given twice. By itself, as it is locked while certificates are signed.
CREATE TABLE certificate_serials (
    company_id  bigint PRIMARY KEY REFERENCES companies,
    last        bigint NOT NULL
);

-- Locked after the journal, as is all that comes of it.
CREATE TABLE certificate_counts (
    company_id  bigint PRIMARY KEY REFERENCES companies,
    changes     bigint NOT NULL DEFAULT 0,            -- to certificates, in their order
    looked_at   bigint NOT NULL DEFAULT 0             -- reversals up to this number were looked at (rules.certification.reviewing)
);

-- Certificates that depend on what others earned (team_rank) are looked at again once something of the programme was
-- reversed, some at a time: those up to `looked_at` are done.
CREATE TABLE certificate_relooks (
    company_id  bigint NOT NULL,
    programme   integer NOT NULL,
    asked_at    bigint NOT NULL,                      -- the journal's number then
    looked_at   bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (company_id, programme),
    FOREIGN KEY (company_id, programme) REFERENCES programmes
);

CREATE TABLE certificates (
    company_id        bigint NOT NULL,
    no                bigint NOT NULL,                -- its serial
    number            text COLLATE "C" NOT NULL,      -- as on the paper: PB-2022-000123-7KQ4MX9T
    programme         integer NOT NULL,
    learner           integer NOT NULL,
    rule              text COLLATE "C" NOT NULL,      -- the certificate's key in the rulebook
    edition           integer NOT NULL CHECK (edition >= 1),  -- 2: issued again, after the first one expired or was revoked
    kind              text NOT NULL CHECK (kind IN ('points', 'qualification')),
    level             text,
    names             jsonb NOT NULL,                 -- by language
    equals            jsonb NOT NULL,                 -- [{"system", "level"}]
    rulebook_version  integer NOT NULL,
    run               integer NOT NULL,
    cut_off           timestamptz NOT NULL,
    issued_at         timestamptz NOT NULL,
    valid_until       timestamptz,                    -- NULL: for ever
    holder            text NOT NULL,                  -- the learner's name as it was then
    explanation       jsonb NOT NULL,                 -- entries by their numbers
    entries           bigint[] NOT NULL,              -- that it rests on
    on_others         boolean NOT NULL DEFAULT false, -- whether it also depends on what others earned (team_rank)
    content           jsonb NOT NULL,                 -- all that its forms are made of
    credential        bytea NOT NULL,                 -- signed
    status_list       integer NOT NULL CHECK (status_list >= 1),
    status_index      integer NOT NULL CHECK (status_index >= 0),
    entry_number      bigint NOT NULL,                -- of the entry that issued it
    revoked_at        timestamptz,
    revoked_reason    text,
    revoked_number    bigint CHECK (revoked_number > entry_number),  -- of the entry that revoked it
    review_since      timestamptz,                    -- NULL: nothing to be looked at
    review_why        text,
    review            jsonb,                          -- the new explanation; entries by their numbers
    changed_at        timestamptz NOT NULL,
    changed_in        bigint NOT NULL,                -- grows with each change of any certificate of the company
    PRIMARY KEY (company_id, no),
    CONSTRAINT certificates_number UNIQUE (company_id, number),
    CONSTRAINT certificates_once UNIQUE (company_id, learner, programme, rule, edition),
    CONSTRAINT certificates_status UNIQUE (company_id, status_list, status_index),
    UNIQUE (company_id, changed_in),
    FOREIGN KEY (company_id, programme, rulebook_version) REFERENCES rulebooks,
    FOREIGN KEY (company_id, learner) REFERENCES learners,
    FOREIGN KEY (company_id, run) REFERENCES certification_runs,
    CHECK ((revoked_at IS NULL) = (revoked_reason IS NULL) AND (revoked_at IS NULL) = (revoked_number IS NULL)),
    CHECK ((review_since IS NULL) = (review_why IS NULL) AND (review_since IS NULL) = (review IS NULL))
);
CREATE INDEX certificates_programme ON certificates (company_id, programme, learner);
CREATE INDEX certificates_on_others ON certificates (company_id, programme, no)
 WHERE on_others AND revoked_at IS NULL AND review_since IS NULL;
CREATE INDEX certificates_revoked ON certificates (company_id, status_list, status_index) WHERE revoked_at IS NOT NULL;
-- Certificates are looked at again for what is reversed, however much is booked meanwhile. `coalesce`, for nobody is to find
-- an entry's reversal by it: with `IS NOT NULL` the planner did, and went through all of them while it took them for few.
CREATE INDEX entries_reversals ON entries (company_id, number) WHERE coalesce(reverses, 0) > 0;
-- Who checks a certificate knows its number, and not its company.
CREATE INDEX certificates_public ON certificates (number);

GRANT SELECT, INSERT, UPDATE ON certification_runs, certificate_serials, certificate_counts TO pointsbank_service;
GRANT SELECT, INSERT ON certification_results, certificates TO pointsbank_service;
GRANT SELECT, INSERT, UPDATE, DELETE ON certificate_relooks TO pointsbank_service;
GRANT DELETE ON certification_results TO pointsbank_service;
GRANT UPDATE (standing, certificate) ON certification_results TO pointsbank_service;
-- What was issued stays as it is; what became of it is written beside.
GRANT UPDATE (revoked_at, revoked_reason, revoked_number, review_since, review_why, review, changed_at, changed_in)
   ON certificates TO pointsbank_service;
