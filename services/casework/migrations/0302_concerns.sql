-- Concerns and everything that was done with them.

create table concern (
    village        text not null,
    id             uuid not null,
    reference      text not null,           -- the number in the village's ledger, or one that the system gave
    matter         text not null,
    matter_type    text not null,
    text           text not null,           -- in the household's words: personal, stays here
    household      uuid,
    grid           text,                    -- null while the household's is not known
    reporter       uuid,                    -- the member who brought it
    state          text not null,
    owner_kind     text not null,
    owner          text,                    -- code of the team's grid, id of the member, null for the village office
    routed         boolean not null,        -- it has reached the team of its grid
    reported_on    date not null,
    accepted_on    date,
    resolved_on    date,                    -- the last claim, kept when the household says otherwise
    followed_up_on date,
    closed_on      date,
    result         text not null,           -- in the handler's words: stays here
    resolved_by    text,                    -- the subject who made the last claim; null when a ledger did
    outcome        text,                    -- the household's last answer
    score          integer not null,        -- 1 to 5, 0 for none
    ledger_row     uuid,                    -- names the content of the ledger's row it last was taken from
    revision       bigint not null,
    created_at     timestamptz not null,
    updated_at     timestamptz not null,
    primary key (village, id),
    constraint concern_reference unique (village, reference),
    constraint concern_somewhere check (household is not null or grid is not null),
    constraint concern_owned check ((owner_kind = 'office') = (owner is null)),
    constraint concern_routed check (routed or owner_kind = 'office'),
    constraint concern_closed_on check ((state = 'closed') = (closed_on is not null)),
    constraint concern_score check (score between 0 and 5)
);
select lianxin.tenant_table('concern');

-- Lists show the latest report first, whichever of these they are narrowed by; four matters are too few for their own.
create index concern_by_day on concern (village, reported_on desc, id desc);
create index concern_by_state on concern (village, state, reported_on desc, id desc);
create index concern_by_grid on concern (village, grid, reported_on desc, id desc);
create index concern_by_household on concern (village, household, reported_on desc, id desc) where household is not null;
-- The few that wait for news.
create index concern_unrouted on concern (village, id) where not routed;

-- What was done with a concern: one row for each revision of it, written with it, never changed.
create table move (
    village    text not null,
    concern    uuid not null,
    revision   bigint not null,
    kind       text not null,
    from_state text,                        -- null for the first
    to_state   text not null,
    actor      text not null,               -- the token's subject, or the service itself
    office     text not null,
    moved_at   timestamptz not null,
    note       text not null,               -- free text: stays here
    owner_kind text not null,
    owner      text,
    primary key (village, concern, revision)
);
select lianxin.tenant_table('move');
revoke update, delete on move from lianxin_service;
