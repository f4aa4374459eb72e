-- Deadline clocks. Of each concern two: how soon somebody has to answer for it, and how soon it has to be solved, both in
-- working time. The limits are those of the day on which it was raised; nothing but an extension changes them. The second
-- clock rests while the concern is laid aside, was returned for more, or is said to be solved, and goes on from where it
-- was: what it has used up is never given back.
--
-- The ledger of it are the moves: each says how much was used up by then and what was due afterwards, and moves are never
-- changed. The columns of `concern` are where it stands now, for lists and for the scheduler. A concern without limits (it
-- came with a ledger, or before there were clocks) has none.

alter table concern
    add column urgency            text not null default 'normal',
    add column response_hours     integer not null default 0,
    add column resolution_hours   integer not null default 0,
    add column extension_hours    integer not null default 0,  -- granted, on top of resolution_hours; once
    add column extension_asked    integer not null default 0,  -- asked for, and not decided
    add column extension_asked_by text,
    add column spent              bigint not null default 0,   -- seconds of working time, up to running_since
    add column running_since      timestamptz,                 -- null while the clock rests
    add column response_due_at    timestamptz,                 -- the first answer
    add column responded_at       timestamptz,
    add column respond_by         timestamptz,                 -- whoever has it to answer now; null when nobody has
    add column due_at             timestamptz,                 -- null while the clock rests
    add column warnings           integer not null default 0,  -- which were given; see concern/deadline.rs
    -- When the scheduler has to look at it next, or earlier. A move that puts this off leaves it as it is, and the
    -- scheduler finds nothing to do and puts it off itself: so moves hardly ever touch the index.
    add column alarm_at           timestamptz;

create index concern_alarm on concern (alarm_at) where alarm_at is not null;

alter table move
    add column spent      bigint,
    add column due_at     timestamptz,
    add column respond_by timestamptz;
