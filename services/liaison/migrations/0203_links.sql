-- Which representative serves which household, on which line, from when to when.

create extension if not exists btree_gist;

-- Rows are kept for ever: "who was it on 1 May?" has an answer. A link that ended on the day it began was never in
-- force (its range is empty); it stays, because news of it has gone out.
create table link (
    village        text not null,
    id             uuid not null,
    household      uuid not null,
    representative uuid not null,
    line           text not null check (line in ('relocated', 'rebuilt')),
    valid_from     date not null,
    valid_to       date,                 -- first day no longer in force; null: until further notice
    origin         text not null check (origin in ('default', 'chosen')),
    reason         text not null,        -- why this representative; empty for a default link
    revision       bigint not null,
    created_at     timestamptz not null,
    updated_at     timestamptz not null,
    primary key (village, id),
    foreign key (village, representative) references member (village, id),
    constraint link_ends_after_it_begins check (valid_to >= valid_from),
    -- On any day a household has one link at most.
    constraint link_one_a_day exclude using gist
        (village with =, household with =, daterange(valid_from, valid_to) with &&)
);
select lianxin.tenant_table('link');
create index link_household on link (village, household, valid_from);
create index link_representative on link (village, representative) where valid_to is null;
create index link_made on link (village, created_at, id);
