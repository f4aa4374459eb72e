-- Common demands: what several households raise, taken care of as one.

-- A concern that is part of an open demand is merged, and cannot be moved by itself: its row is what decides when two people
-- put it into two demands at once. How it stood before stands in its moves, from which it is taken apart again.
alter table concern
    add column demand uuid;                         -- kept when the demand is answered; see concern.demand in the contract

-- A demand's concerns. The column changes when a concern is merged or taken out, and with no other move.
create index concern_demand on concern (village, demand) where demand is not null;

create table demand (
    village     text not null,
    id          uuid not null,
    title       text not null,                      -- free text: stays here
    matter      text not null,
    matter_type text not null,
    state       text not null,
    owner_kind  text not null,                      -- there is an owner at every moment, as a concern has
    owner       text,
    -- What its concerns add up to, kept with every change of theirs, so that a list reads no concern. Its deadline is the
    -- earliest of theirs and stands in no column: theirs may be reckoned anew.
    grids       text[] not null,
    concerns    integer not null,
    households  integer not null,
    result      text not null,                      -- in the handler's words: stays here
    escalations integer not null,
    opened_on   date not null,
    ended_on    date,
    revision    bigint not null,
    created_at  timestamptz not null,
    updated_at  timestamptz not null,
    primary key (village, id),
    constraint demand_owned check ((owner_kind in ('office', 'subdistrict')) = (owner is null)),
    constraint demand_ended check ((state = 'open') = (ended_on is null))
);
select lianxin.tenant_table('demand');
create index demand_by_day on demand (village, opened_on desc, id desc);

-- What was done with a demand: one row for each revision of it, written with it, never changed.
create table demand_move (
    village    text not null,
    demand     uuid not null,
    revision   bigint not null,
    kind       text not null,
    state      text not null,
    actor      text not null,                       -- the token's subject, or the service itself
    office     text not null,
    moved_at   timestamptz not null,
    note       text not null,                       -- free text: stays here
    owner_kind text not null,
    owner      text,
    concerns   integer not null,
    primary key (village, demand, revision)
);
select lianxin.tenant_table('demand_move');
revoke update, delete on demand_move from lianxin_service;
