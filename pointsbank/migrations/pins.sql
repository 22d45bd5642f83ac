-- Boards that a programme pins: Redis keeps them, whether anybody looks at them or not.

CREATE TABLE pinned_boards (
    company_id  bigint NOT NULL,
    programme   integer NOT NULL,
    place       integer NOT NULL,                     -- as HR listed them
    scope       text NOT NULL CHECK (scope IN ('company', 'programme', 'course')),
    course      integer CHECK ((scope = 'course') = (course IS NOT NULL)),  -- of the programme
    unit        text NOT NULL,                        -- this and what follows in the words of the API
    members     text NOT NULL,
    period      text NOT NULL,
    score       text NOT NULL,
    PRIMARY KEY (company_id, programme, place),
    FOREIGN KEY (company_id, programme) REFERENCES programmes,
    FOREIGN KEY (company_id, course) REFERENCES courses
);

GRANT SELECT, INSERT, DELETE ON pinned_boards TO pointsbank_service;
