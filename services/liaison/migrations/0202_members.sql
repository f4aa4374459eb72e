-- The people who serve, the lines they serve on, and the teams they form.

create table member (
    village          text not null,
    id               uuid not null,
    display_name     text not null check (display_name <> ''),  -- public in the village
    telephone_sealed bytea,              -- sealed under the village's data key
    telephone_index  bytea,              -- blind index, by which imports recognise a member
    offices          text[] not null check (offices <> '{}'),
    source           text,               -- where a representative comes from
    areas            text[] not null,    -- codes of the areas a cadre or grid worker looks after
    villager_group   text,               -- code of the group a villager-group leader heads
    party_group      text,
    term_start       date not null,
    term_end         date,               -- first day no longer serving; null: the term is open
    revision         bigint not null,
    created_at       timestamptz not null,
    updated_at       timestamptz not null,
    primary key (village, id),
    constraint member_term check (term_end >= term_start),
    constraint member_source check ((source is not null) = ('representative' = any (offices)))
);
select lianxin.tenant_table('member');
create index member_entered on member (village, created_at, id);

-- Two lines to a village, made with it.
create table line (
    village                    text not null,
    kind                       text not null check (kind in ('relocated', 'rebuilt')),
    display_name               text not null,
    leader_offices             text[] not null,
    household_kinds            text[] not null,
    merchants_through_landlord boolean not null,
    revision                   bigint not null,
    created_at                 timestamptz not null,
    updated_at                 timestamptz not null,
    primary key (village, kind)
);
select lianxin.tenant_table('line');

-- One team for every grid, made when news of the grid arrives; a null seat is vacant.
create table team (
    village        text not null,
    grid           text not null,
    cadre          uuid,
    leader         uuid,
    leader_office  text,                 -- the office in which the leader's seat is held
    representative uuid,
    revision       bigint not null,
    created_at     timestamptz not null,
    updated_at     timestamptz not null,
    primary key (village, grid),
    foreign key (village, cadre) references member (village, id),
    foreign key (village, leader) references member (village, id),
    foreign key (village, representative) references member (village, id),
    check ((leader is null) = (leader_office is null)),
    -- A representative serves one grid. Deferrable, so that one statement may let two of them change places.
    constraint team_representative_once unique (village, representative) deferrable initially immediate
);
select lianxin.tenant_table('team');
