-- Outbox, history and write-audit in one table, and what a reader could not apply.

-- Every change of every record, appended in the transaction that makes it. This is the truth; the
-- broker only carries it.
create table change_log (
    position    bigint generated always as identity,
    village     text not null,
    record      text not null,           -- resource name
    revision    bigint not null,         -- of the record, after the change
    noun        text not null,           -- last part of the subject, e.g. household
    type        text not null,           -- full name of the event's message
    event       bytea not null,          -- the message: the record's public view after the change
    subject     text not null,           -- who did it (the token's sub)
    office      text not null,           -- in which office
    traceparent text,                    -- W3C trace context of the request
    recorded_at timestamptz not null default clock_timestamp(),
    -- Where the stream acknowledged it; null while it is not published. Set back to null when the stream
    -- turns out to have lost it.
    sequence    bigint,
    primary key (village, record, revision)
);
select lianxin.tenant_table('change_log');
-- It is the audit of writes too: what was recorded stands. A service may change nothing of a row but where the stream has
-- it, and delete none.
revoke update, delete on change_log from lianxin_service;
grant update (sequence) on change_log to lianxin_service;
-- What the relay claims, oldest first.
create index change_log_unpublished on change_log (position) where sequence is null;
-- How far the stream is known to reach, and who sits at one place of it.
create index change_log_sequence on change_log (sequence) where sequence is not null;

-- Which stream the sequences above belong to: a stream that was deleted and made again has another birth.
create table stream (
    name text primary key,
    born timestamptz not null
);
grant select, insert, update on stream to lianxin_service;

-- News that could not be applied, with its error: kept, counted, retried by command; never dropped.
create table dead_letter (
    village    text not null,
    record     text not null,
    revision   bigint not null,
    type       text not null,
    stream     text not null,
    event      bytea not null,
    error      text not null,
    died_at    timestamptz not null default clock_timestamp(),
    retry      boolean not null default false,   -- set by command, taken up by the consumer
    primary key (village, record, revision, type)
);
select lianxin.tenant_table('dead_letter');
create index dead_letter_retry on dead_letter (died_at) where retry;
