-- The entrance: how somebody comes to serve, step by step, and how that ends.

-- Whoever is on the way has an empty term, which begins and ends on the day of the nomination: that day they serve as
-- little as on any other, for whoever asks only for the term.
alter table member
    add column state text not null default 'appointed'
        check (state in ('nominated', 'eligible', 'endorsed', 'noticed', 'appointed', 'ended', 'recalled', 'declined')),
    add column grid text,                            -- for which somebody was nominated
    add column grounds text[] not null default '{}', -- near, convenient, familiar
    add column notice_until date;                    -- first day on which the public notice no longer runs

set local lianxin.scope = '*';
update member set state = 'ended' where term_end is not null;
create index member_term_end on member (village, term_end) where state = 'appointed' and term_end is not null;

-- Every step: when it was taken, by whom, in which office, and what it said. Never changed.
create table member_step (
    village      text not null,
    member       uuid not null,
    place        integer not null,                   -- from 1
    kind         text not null,
    day          date not null,
    subject      text not null,
    office       text not null,
    recorded_at  timestamptz not null,
    due          integer,                            -- of an endorsement: how many may vote
    present      integer,
    favour       integer,
    against      integer,
    abstaining   integer,
    notice_until date,
    upheld       boolean,                            -- of an objection
    term_start   date,
    term_end     date,
    grade        text,                               -- of an evaluation
    note         text not null,                      -- stays in this table
    primary key (village, member, place),
    foreign key (village, member) references member (village, id),
    check (present <= due and favour + against + abstaining = present)
);
select lianxin.tenant_table('member_step');
revoke update, delete on member_step from lianxin_service;
