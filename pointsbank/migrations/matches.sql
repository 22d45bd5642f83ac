-- Matches (PK): two or more teams or learners, a window, a unit, and perhaps a prize. The result and the prize are
-- entries of the journal, which have keys made from the match; what is said of them here, the audit compares.

CREATE TABLE matches (
    company_id      bigint NOT NULL,
    no              integer NOT NULL,
    programme       integer NOT NULL,
    key             text COLLATE "C" NOT NULL,
    name            text NOT NULL,
    members         text NOT NULL CHECK (members IN ('teams', 'learners')),
    unit            text NOT NULL CHECK (unit IN ('credits', 'flowers')),
    course          integer,                          -- only what was earned in it counts; NULL: in the whole programme
    starts_at       timestamptz NOT NULL,
    ends_at         timestamptz NOT NULL CHECK (ends_at > starts_at),  -- exclusive
    grace_seconds   integer NOT NULL CHECK (grace_seconds >= 0),
    prize_unit      text CHECK (prize_unit IN ('credits', 'flowers')),  -- NULL: no prize
    prize_amount    bigint CHECK (prize_amount BETWEEN 1 AND 9007199254740991),
    prize_course    integer,
    due_at          timestamptz,                      -- when there is something to be done next; NULL: never again
    result_number   bigint,                           -- of the entry that fixes the result
    prize_number    bigint CHECK (prize_number > result_number),  -- of the entry that gives the prize
    prize_problem   jsonb,                            -- why it could not be given when it was last tried
    PRIMARY KEY (company_id, no),
    UNIQUE (company_id, programme, key),
    FOREIGN KEY (company_id, programme) REFERENCES programmes,
    FOREIGN KEY (company_id, course) REFERENCES courses,
    FOREIGN KEY (company_id, prize_course) REFERENCES courses,
    CHECK ((prize_unit IS NULL) = (prize_amount IS NULL)),
    CHECK (prize_unit <> 'flowers' OR prize_course IS NOT NULL),
    CHECK (result_number IS NOT NULL OR (due_at IS NOT NULL AND prize_problem IS NULL)),
    CHECK (prize_number IS NULL OR (due_at IS NULL AND prize_problem IS NULL))
);
-- The one key that does not begin with the company: every second each worker asks what of any company is due.
CREATE INDEX matches_due ON matches (due_at, company_id, no) WHERE due_at IS NOT NULL;

CREATE TABLE contestants (
    company_id  bigint NOT NULL,
    match       integer NOT NULL,
    place       integer NOT NULL,                     -- as HR listed them
    team        integer,
    learner     integer,
    PRIMARY KEY (company_id, match, place),
    UNIQUE (company_id, match, team),
    UNIQUE (company_id, match, learner),
    FOREIGN KEY (company_id, match) REFERENCES matches,
    FOREIGN KEY (company_id, team) REFERENCES teams,
    FOREIGN KEY (company_id, learner) REFERENCES learners,
    CHECK ((team IS NULL) <> (learner IS NULL))
);

GRANT SELECT, INSERT, UPDATE ON matches TO pointsbank_service;
GRANT SELECT, INSERT, DELETE ON contestants TO pointsbank_service;
