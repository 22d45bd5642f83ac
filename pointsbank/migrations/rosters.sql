-- Rosters that were uploaded: kept from the preview to the confirmation, and for a day, so that any host goes on with
-- them. After that the file goes, and what was taken out of it stays as counts.

CREATE TABLE roster_uploads (
    company_id    bigint NOT NULL REFERENCES companies,
    no            integer NOT NULL,
    user_no       integer NOT NULL,                   -- who uploaded it, and alone sees what is in it
    programme     integer NOT NULL,
    file_name     text NOT NULL,
    content       bytea,                              -- the file
    uploaded_at   timestamptz NOT NULL DEFAULT now(),
    choice        jsonb,                              -- sheet, header, columns, and how to read them
    report        jsonb,                              -- what the preview says
    lines         bytea,                              -- what would be taken, packed
    problems      bytea,                              -- all of them, packed
    terms         jsonb,                              -- on which it was confirmed
    taken         integer NOT NULL DEFAULT 0,         -- lines that are done
    result        jsonb,                              -- what became of them so far
    finished_at   timestamptz,
    forgotten_at  timestamptz,                        -- when the file and all that was read out of it went
    PRIMARY KEY (company_id, no),
    FOREIGN KEY (company_id, user_no) REFERENCES users,
    FOREIGN KEY (company_id, programme) REFERENCES programmes
);
CREATE INDEX roster_uploads_kept ON roster_uploads (uploaded_at, company_id) WHERE forgotten_at IS NULL;

GRANT SELECT, INSERT, UPDATE, DELETE ON roster_uploads TO pointsbank_service;
