-- Events as they arrive: how many of which source, and those that were not booked ---------------------------

-- The number of the last row of `unbooked`: taken under its lock, so that numbers follow commit order.
CREATE TABLE unbooked_numbers (
    company_id   bigint PRIMARY KEY REFERENCES companies,
    last_number  bigint NOT NULL
);

-- Written beside the booking, never in its transaction. Bounded in rows and in age (pointsbank.arrivals).
CREATE TABLE unbooked (
    company_id  bigint NOT NULL REFERENCES companies,
    number      bigint NOT NULL CHECK (number >= 1),
    status      text NOT NULL CHECK (status IN ('rejected', 'duplicate')),
    arrived_at  timestamptz NOT NULL,
    times       integer NOT NULL CHECK (times >= 1),  -- this one, and those beside it that are not kept
    source      text COLLATE "C",                     -- this and what follows as sent; NULL where it could not be read
    kind        text COLLATE "C",
    event_id    text COLLATE "C",
    learner     text COLLATE "C",
    entry       bigint,                               -- of a duplicate: the entry that was booked before
    problem     jsonb,                                -- of a rejection: slug, detail, errors
    payload     text,                                 -- what was sent, its beginning
    PRIMARY KEY (company_id, number),
    CHECK ((status = 'rejected') = (problem IS NOT NULL))
);
CREATE INDEX unbooked_status ON unbooked (company_id, status, number);

CREATE TABLE arrivals (
    company_id  bigint NOT NULL REFERENCES companies,
    begins_at   timestamptz NOT NULL,                 -- of five minutes
    source      text COLLATE "C" NOT NULL,            -- '' where it could not be read
    booked      bigint NOT NULL,
    duplicate   bigint NOT NULL,
    ignored     bigint NOT NULL,
    rejected    bigint NOT NULL,
    last_at     timestamptz NOT NULL,
    PRIMARY KEY (company_id, begins_at, source)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON unbooked_numbers, unbooked, arrivals TO pointsbank_service;
