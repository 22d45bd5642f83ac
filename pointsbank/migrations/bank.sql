-- The whole schema, in reading order: tenants, directory, rulebooks, ledger, booking, rights, row-level security.
-- Every key begins with the company, so that the tables can be distributed by it; nothing here needs a
-- superuser, an extension or a global sequence. Run by the owner role; the service only ever acts as
-- pointsbank_service, which can read its company's rows, write the directory, and book through book().

-- Tenants ------------------------------------------------------------------------------------------------

CREATE TABLE companies (
    company_id     bigint PRIMARY KEY CHECK (company_id BETWEEN 1 AND 1152921504606846975),  -- 60 bits: half of an entry id
    key            text COLLATE "C" NOT NULL UNIQUE,
    name           text NOT NULL,
    timezone       text NOT NULL,
    credits_scale  smallint NOT NULL CHECK (credits_scale BETWEEN 0 AND 6),
    origins        text[] NOT NULL DEFAULT '{}',        -- of pages on which widgets may be shown
    created_at     timestamptz NOT NULL DEFAULT now()
);

-- One row a company, locked by whoever writes: a company has one writer at a time, so its numbers have no gaps
-- and follow commit order, and what is read after taking the lock stays true until the commit.
CREATE TABLE journals (
    company_id         bigint PRIMARY KEY REFERENCES companies,
    last_number        bigint NOT NULL DEFAULT 0,
    last_recorded_at   timestamptz NOT NULL DEFAULT '1970-01-01T00:00:00Z',
    directory_version  bigint NOT NULL DEFAULT 0   -- grows with every change of directory or rulebook: caches go by it
) WITH (fillfactor = 10);

CREATE TABLE api_keys (
    company_id   bigint NOT NULL REFERENCES companies,
    no           integer NOT NULL,
    name         text NOT NULL,
    secret_hash  bytea NOT NULL,
    scopes       text[] NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    used_at      timestamptz,                          -- last, to the minute
    revoked_at   timestamptz,
    PRIMARY KEY (company_id, no),
    UNIQUE (company_id, secret_hash)
);

-- Directory ----------------------------------------------------------------------------------------------
-- `key` is HR's own id; `no` is numbered per company and is what entries and transfers hold.

CREATE TABLE programmes (
    company_id  bigint NOT NULL REFERENCES companies,
    no          integer NOT NULL,
    key         text COLLATE "C" NOT NULL,
    name        text NOT NULL,
    starts_on   date NOT NULL,
    ends_on     date NOT NULL CHECK (ends_on >= starts_on),
    timezone    text NOT NULL,
    allotment   bigint CHECK (allotment BETWEEN 0 AND 9007199254740991),  -- NULL: awards come straight from issuance
    phases      jsonb NOT NULL DEFAULT '[]',
    closed_at   timestamptz,
    PRIMARY KEY (company_id, no),
    UNIQUE (company_id, key)
);

CREATE TABLE units (
    company_id  bigint NOT NULL REFERENCES companies,
    no          integer NOT NULL,                     -- 0: credits
    code        text COLLATE "C" NOT NULL,            -- credits, flowers:<course>
    PRIMARY KEY (company_id, no),
    UNIQUE (company_id, code)
);

CREATE TABLE courses (
    company_id  bigint NOT NULL,
    no          integer NOT NULL,
    programme   integer NOT NULL,
    key         text COLLATE "C" NOT NULL,
    name        text NOT NULL,
    kind        text NOT NULL CHECK (kind IN ('structured', 'practical')),
    unit        integer NOT NULL,                     -- its flowers
    flowers     bigint NOT NULL CHECK (flowers BETWEEN 0 AND 9007199254740991),
    opens_on    date NOT NULL,
    closes_on   date NOT NULL CHECK (closes_on >= opens_on),
    closed_at   timestamptz,
    PRIMARY KEY (company_id, no),
    UNIQUE (company_id, programme, key),
    UNIQUE (company_id, unit),
    FOREIGN KEY (company_id, programme) REFERENCES programmes,
    FOREIGN KEY (company_id, unit) REFERENCES units
);

CREATE TABLE learners (
    company_id  bigint NOT NULL REFERENCES companies,
    no          integer NOT NULL,
    key         text COLLATE "C" NOT NULL,
    name        text NOT NULL,
    email       text,
    department  text,
    joined_on   date,
    left_on     date,
    changed_in  bigint NOT NULL DEFAULT 0,            -- the version of the directory: boards take up what is newer
    PRIMARY KEY (company_id, no),
    UNIQUE (company_id, key)
);
CREATE INDEX learners_changed ON learners (company_id, changed_in);

CREATE TABLE enrolments (
    company_id  bigint NOT NULL,
    programme   integer NOT NULL,
    learner     integer NOT NULL,
    from_at     timestamptz NOT NULL,
    changed_in  bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (company_id, programme, learner),
    FOREIGN KEY (company_id, programme) REFERENCES programmes,
    FOREIGN KEY (company_id, learner) REFERENCES learners
);
CREATE INDEX enrolments_learner ON enrolments (company_id, learner);
CREATE INDEX enrolments_changed ON enrolments (company_id, programme, changed_in);

CREATE TABLE teams (
    company_id  bigint NOT NULL,
    no          integer NOT NULL,
    programme   integer NOT NULL,
    key         text COLLATE "C" NOT NULL,
    name        text NOT NULL,
    changed_in  bigint NOT NULL DEFAULT 0,            -- also if somebody came or went, whenever
    PRIMARY KEY (company_id, no),
    UNIQUE (company_id, programme, key),
    FOREIGN KEY (company_id, programme) REFERENCES programmes
);

CREATE TABLE memberships (
    company_id  bigint NOT NULL,
    programme   integer NOT NULL,
    learner     integer NOT NULL,
    from_at     timestamptz NOT NULL,
    until_at    timestamptz CHECK (until_at > from_at),   -- exclusive; NULL: still
    team        integer NOT NULL,
    PRIMARY KEY (company_id, programme, learner, from_at),
    FOREIGN KEY (company_id, programme) REFERENCES programmes,
    FOREIGN KEY (company_id, learner) REFERENCES learners,
    FOREIGN KEY (company_id, team) REFERENCES teams
);
CREATE UNIQUE INDEX memberships_one_team ON memberships (company_id, programme, learner) WHERE until_at IS NULL;
CREATE INDEX memberships_team ON memberships (company_id, team);

CREATE TABLE awarders (
    company_id  bigint NOT NULL,
    no          integer NOT NULL,
    programme   integer NOT NULL,
    key         text COLLATE "C" NOT NULL,
    name        text NOT NULL,
    role        text NOT NULL CHECK (role IN ('trainer', 'mentor', 'committee')),
    PRIMARY KEY (company_id, no),
    UNIQUE (company_id, programme, key),
    FOREIGN KEY (company_id, programme) REFERENCES programmes
);

CREATE TABLE allowances (
    company_id  bigint NOT NULL,
    awarder     integer NOT NULL,
    course      integer NOT NULL,
    amount      bigint NOT NULL CHECK (amount BETWEEN 0 AND 9007199254740991),  -- given to the awarder in all
    PRIMARY KEY (company_id, awarder, course),
    FOREIGN KEY (company_id, awarder) REFERENCES awarders,
    FOREIGN KEY (company_id, course) REFERENCES courses
);

CREATE TABLE rulebooks (
    company_id   bigint NOT NULL,
    programme    integer NOT NULL,
    version      integer NOT NULL,
    status       text NOT NULL CHECK (status IN ('draft', 'active', 'retired')),  -- of the active, the last whose time has come is in force
    document     jsonb NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    active_from  timestamptz,
    saved_by     text,                                -- who was signed in, as they were called then; NULL: a key
    activated_by text,
    PRIMARY KEY (company_id, programme, version),
    FOREIGN KEY (company_id, programme) REFERENCES programmes,
    CHECK ((status = 'draft') = (active_from IS NULL))
);
CREATE UNIQUE INDEX rulebooks_one_draft ON rulebooks (company_id, programme) WHERE status = 'draft';

-- Which entries took the places of a rule with `first`; the ledger has no index on rules to find them by.
CREATE TABLE places (
    company_id  bigint NOT NULL,
    programme   integer NOT NULL,
    course      integer NOT NULL,                     -- 0: none
    rule        integer NOT NULL,
    number      bigint NOT NULL,
    arrived     bigint NOT NULL,                      -- the number of the event's first entry, whatever corrected it since
    PRIMARY KEY (company_id, programme, course, rule, number)
);

-- Ledger -------------------------------------------------------------------------------------------------

CREATE TABLE terms (                                  -- sources, event types and rule keys, written once
    company_id  bigint NOT NULL REFERENCES companies,
    no          integer NOT NULL,
    term        text COLLATE "C" NOT NULL,
    PRIMARY KEY (company_id, no),
    UNIQUE (company_id, term)
);

CREATE TABLE accounts (
    company_id  bigint NOT NULL,
    id          bigint NOT NULL,                      -- class * 2^32 + owner's no; class 0 issuance, 1 pool of a programme,
                                                      -- 2 pool of a course, 3 allowance, 4 holding, 5 escrow, 6 retired
    unit        integer NOT NULL,
    code        text COLLATE "C" NOT NULL,
    debits      bigint NOT NULL DEFAULT 0 CHECK (debits BETWEEN 0 AND 9007199254740991),
    credits     bigint NOT NULL DEFAULT 0 CHECK (credits BETWEEN 0 AND 9007199254740991),
    earned      bigint NOT NULL DEFAULT 0,            -- awards less deductions and reversals; conversion does not move it
    transfers   bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (company_id, id, unit),
    CONSTRAINT accounts_not_short CHECK (credits >= debits OR id >> 32 = 0)
) WITH (fillfactor = 50);                             -- room to update a row within its page
CREATE UNIQUE INDEX accounts_code ON accounts (company_id, code, unit);

CREATE TABLE entries (
    company_id        bigint NOT NULL,
    number            bigint NOT NULL CHECK (number >= 1),
    occurred_at       timestamptz NOT NULL,
    recorded_at       timestamptz NOT NULL,
    fingerprint       bigint NOT NULL,                -- of the content: the same key with another one is a conflict
    reverses          bigint CHECK (reverses < number),
    source            integer NOT NULL,
    kind              integer NOT NULL,
    programme         integer,
    course            integer,
    learner           integer,
    holders           integer[],                      -- learners whose holdings it moves, where that is not just its learner
    team              integer,
    awarder           integer,
    rulebook_version  integer,
    transfers         integer NOT NULL CHECK (transfers >= 0),
    key               text COLLATE "C" NOT NULL,
    reason            text,
    note              text,                           -- why no rule gave anything
    data              jsonb,
    PRIMARY KEY (company_id, number),
    CONSTRAINT entries_key UNIQUE (company_id, key, source)  -- the key first: it is what tells entries apart
);
CREATE UNIQUE INDEX entries_reversed_once ON entries (company_id, reverses) WHERE reverses IS NOT NULL;
CREATE INDEX entries_without_transfers ON entries (company_id, learner, number) WHERE transfers = 0;
CREATE INDEX entries_of_awarder ON entries (company_id, awarder, number) WHERE awarder IS NOT NULL;

-- Keyed by learner before number: a learner's statement is one range of the primary key, and an entry knows
-- whose transfers it has. (A second index costs a tenth of a booking.)
CREATE TABLE transfers (
    company_id   bigint NOT NULL,
    learner      integer NOT NULL,                    -- whose holding it moves; 0: nobody's
    number       bigint NOT NULL,                     -- of its entry
    line         integer NOT NULL CHECK (line >= 1),
    unit         integer NOT NULL,                    -- one column for both sides: a transfer cannot mix units
    debit        bigint NOT NULL,
    credit       bigint NOT NULL,
    amount       bigint NOT NULL CHECK (amount BETWEEN 1 AND 9007199254740991),
    earning      smallint NOT NULL CHECK (earning IN (-1, 0, 1)),
    rule         integer,
    occurred_at  timestamptz NOT NULL,                -- its entry's, so that an account is summed without the entries
    PRIMARY KEY (company_id, learner, number, line),
    CHECK (debit <> credit)
);

-- Subtotals of a holding, one for about every 500 transfers, so that a balance as of any time adds up few rows.
CREATE TABLE closings (
    company_id     bigint NOT NULL,
    account        bigint NOT NULL,
    unit           integer NOT NULL,
    number         bigint NOT NULL,                   -- of the last entry in it; it begins after the one before
    recorded_at    timestamptz NOT NULL,
    first_occurred timestamptz NOT NULL,
    last_occurred  timestamptz NOT NULL,
    debits         bigint NOT NULL,
    credits        bigint NOT NULL,
    earned         bigint NOT NULL,
    PRIMARY KEY (company_id, account, unit, number)
);

-- Booking ------------------------------------------------------------------------------------------------

-- The owner is taken out of the account's id before it is looked for: under row-level security a condition that
-- might fail, such as a cast, is not looked up in an index.
CREATE FUNCTION account_code(p_company bigint, p_unit integer, p_account bigint) RETURNS text
LANGUAGE plpgsql STABLE AS $$
DECLARE
    class   CONSTANT bigint := p_account >> 32;
    owner   CONSTANT integer := (p_account & 4294967295)::integer;
    flowers CONSTANT text := (SELECT substr(code, length('flowers:') + 1) FROM units
                               WHERE company_id = p_company AND no = p_unit AND no <> 0);
BEGIN
    RETURN CASE class
        WHEN 0 THEN 'issuance'
        WHEN 1 THEN 'pool:programme:' || (SELECT key FROM programmes WHERE company_id = p_company AND no = owner)
        WHEN 2 THEN 'pool:course:' || flowers
        WHEN 3 THEN 'allowance:' || (SELECT key FROM awarders WHERE company_id = p_company AND no = owner) || ':' || flowers
        WHEN 4 THEN 'holding:' || (SELECT key FROM learners WHERE company_id = p_company AND no = owner)
        WHEN 5 THEN 'escrow:' || owner
        WHEN 6 THEN CASE owner WHEN 1 THEN 'retired:converted' WHEN 2 THEN 'retired:expired' END
    END;
END
$$;

-- sum() of bigint is numeric, which costs a booking of many accounts a twentieth; this one fails beyond bigint.
CREATE AGGREGATE total(bigint) (SFUNC = int8pl, STYPE = bigint, INITCOND = '0');

-- Books what the session has staged (pg_temp.staged, see pointsbank.staging): entries numbered after the
-- last one in the order of `ordinal`, their transfers, and the balances that they move. The service may write
-- to the ledger in no other way, so balances equal transfers whatever the service does.
-- A staged row is a transfer with its entry's columns on line 1, or an entry without transfers (amount NULL).
CREATE FUNCTION book(p_company bigint, OUT first_number bigint, OUT booked_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = {schema}, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off SET enable_bitmapscan = off SET enable_material = off SET random_page_cost = 0 AS $$
DECLARE
    staged   bigint;   -- entries
    promised bigint;   -- transfers
    added    bigint;
    base     bigint;
    missing  bigint;   -- accounts that are moved and not yet there
    -- Holdings whose number of transfers passed a multiple of {closing_every}. Their learners are taken out of the
    -- ids here because under row-level security an index is not used with what may fail, such as a cast.
    crossed           bigint[];
    crossed_units     integer[];
    crossed_learners  integer[];
BEGIN
    SELECT coalesce(max(ordinal), 0), coalesce(sum(transfers), 0) INTO staged, promised FROM pg_temp.staged;

    UPDATE journals
       SET last_number = last_number + staged, last_recorded_at = greatest(last_recorded_at, clock_timestamp())
     WHERE company_id = p_company
    RETURNING last_number - staged, last_recorded_at INTO STRICT base, booked_at;
    first_number := base + 1;

    INSERT INTO entries (company_id, number, occurred_at, recorded_at, fingerprint, reverses, source, kind, programme,
                         course, learner, holders, team, awarder, rulebook_version, transfers, key, reason, note, data)
    SELECT p_company, base + ordinal, occurred_at, booked_at, fingerprint, reverses, source, kind, programme,
           course, learner, holders, team, awarder, rulebook_version, transfers, key, reason, note, data
      FROM pg_temp.staged WHERE line = 1;
    GET DIAGNOSTICS added = ROW_COUNT;
    IF added <> staged THEN
        RAISE EXCEPTION 'numbers up to % are staged, but % entries', staged, added;
    END IF;

    INSERT INTO transfers (company_id, learner, number, line, unit, debit, credit, amount, earning, rule, occurred_at)
    SELECT p_company, holder, base + ordinal, line, unit, debit, credit, amount, earning, rule, occurred_at
      FROM pg_temp.staged WHERE amount IS NOT NULL;
    GET DIAGNOSTICS added = ROW_COUNT;
    IF added <> promised THEN
        RAISE EXCEPTION 'the staged entries have % transfers, but % are staged', promised, added;
    END IF;

    -- Joined by index (see SET above), whatever the statistics say and whenever the plan was made: a company may
    -- have a million accounts, and had none when it began.
    WITH m AS MATERIALIZED (
        SELECT * FROM pg_temp.movements
    ), moved AS (
        UPDATE accounts AS a
           SET debits = a.debits + m.debits, credits = a.credits + m.credits,
               earned = a.earned + m.earned, transfers = a.transfers + m.transfers
          FROM m
         WHERE a.company_id = p_company AND a.id = m.id AND a.unit = m.unit
        RETURNING a.id, a.unit, a.transfers / {closing_every} <> (a.transfers - m.transfers) / {closing_every} AS crosses
    )
    SELECT (SELECT count(*) FROM m) - count(*), array_agg(id) FILTER (WHERE crosses AND id >> 32 = 4),
           array_agg(unit) FILTER (WHERE crosses AND id >> 32 = 4),
           array_agg((id & 4294967295)::integer) FILTER (WHERE crosses AND id >> 32 = 4)
      INTO missing, crossed, crossed_units, crossed_learners FROM moved;

    IF missing > 0 THEN
        WITH opened AS (
            INSERT INTO accounts (company_id, id, unit, code, debits, credits, earned, transfers)
            SELECT p_company, id, unit, account_code(p_company, unit, id), debits, credits, earned, transfers
              FROM pg_temp.movements AS m
             WHERE NOT EXISTS (SELECT FROM accounts AS a WHERE a.company_id = p_company AND a.id = m.id AND a.unit = m.unit)
            RETURNING id, unit, transfers
        )
        SELECT crossed || array_agg(id), crossed_units || array_agg(unit),
               crossed_learners || array_agg((id & 4294967295)::integer)
          INTO crossed, crossed_units, crossed_learners
          FROM opened WHERE transfers >= {closing_every} AND id >> 32 = 4;
    END IF;

    IF crossed IS NOT NULL THEN
        INSERT INTO closings (company_id, account, unit, number, recorded_at, first_occurred, last_occurred, debits, credits, earned)
        SELECT p_company, a.id, a.unit, part.number, booked_at, part.first_occurred, part.last_occurred,
               part.debits, part.credits, part.earned
          FROM unnest(crossed, crossed_units, crossed_learners) AS a (id, unit, learner)
         CROSS JOIN LATERAL (SELECT coalesce(max(c.number), 0) AS number FROM closings AS c
                              WHERE c.company_id = p_company AND c.account = a.id AND c.unit = a.unit) AS before
         -- Aggregated in here, the learner is looked for in the index whatever the planner thinks of it: while
         -- one learner seems to have all transfers, it would read them all again and again. A batch that moves
         -- one holding thousands of times makes several closings; what is left over goes to the last.
         CROSS JOIN LATERAL (
            SELECT max(t.number) AS number, min(t.occurred_at) AS first_occurred, max(t.occurred_at) AS last_occurred,
                   coalesce(sum(t.amount) FILTER (WHERE t.debit = a.id), 0) AS debits,
                   coalesce(sum(t.amount) FILTER (WHERE t.credit = a.id), 0) AS credits,
                   coalesce(sum(t.amount * t.earning), 0) AS earned
              FROM (SELECT number, occurred_at, debit, credit, amount, earning,
                           least((rank() OVER (ORDER BY number) - 1) / {closing_every},
                                 count(*) OVER () / {closing_every} - 1) AS part
                      FROM transfers WHERE company_id = p_company AND learner = a.learner
                                       AND number > before.number AND unit = a.unit) AS t
             GROUP BY t.part) AS part;
    END IF;

    -- Deleting is quicker for few rows, but leaves something of each behind.
    IF staged > 1000 OR pg_relation_size('pg_temp.staged') > 65536 THEN
        TRUNCATE pg_temp.staged;
    ELSE
        DELETE FROM pg_temp.staged;
    END IF;
END
$$;
REVOKE ALL ON FUNCTION book(bigint) FROM PUBLIC;

-- Rights -------------------------------------------------------------------------------------------------

GRANT USAGE ON SCHEMA {schema} TO pointsbank_service;
GRANT EXECUTE ON FUNCTION book(bigint), account_code(bigint, integer, bigint) TO pointsbank_service;
GRANT SELECT, INSERT, UPDATE ON companies, api_keys, programmes, courses, learners, teams, awarders, allowances, rulebooks TO pointsbank_service;
GRANT SELECT, INSERT, UPDATE, DELETE ON enrolments, memberships TO pointsbank_service;
GRANT SELECT, INSERT ON units, terms, places TO pointsbank_service;
GRANT DELETE ON places, rulebooks TO pointsbank_service;
GRANT SELECT ON accounts, entries, transfers, closings TO pointsbank_service;
GRANT SELECT, INSERT, UPDATE (directory_version) ON journals TO pointsbank_service;
