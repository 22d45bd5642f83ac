-- Re-evaluations: what is booked in a programme, brought to what a version of its rulebook gives. What is done stands in
-- the journal, as corrections; here is who asked for it, and what came of it.

CREATE TABLE re_evaluations (
    company_id   bigint NOT NULL,
    programme    integer NOT NULL,
    version      integer NOT NULL,
    asked_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    due_at       timestamptz,                          -- when any worker may take it up; NULL: never again
    corrections  integer NOT NULL DEFAULT 0,           -- booked so far
    finished_at  timestamptz,
    superseded   boolean NOT NULL DEFAULT false,       -- by another version, before it was finished
    report       jsonb,                                -- what was left as it is, and why
    PRIMARY KEY (company_id, programme, version),
    FOREIGN KEY (company_id, programme, version) REFERENCES rulebooks,
    CHECK ((due_at IS NULL) = (finished_at IS NOT NULL)),
    CHECK ((report IS NULL) = (finished_at IS NULL OR superseded))
);
-- As matches_due: every few seconds each worker asks what of any company is due.
CREATE INDEX re_evaluations_due ON re_evaluations (due_at, company_id) WHERE due_at IS NOT NULL;

GRANT SELECT, INSERT, UPDATE ON re_evaluations TO pointsbank_service;
