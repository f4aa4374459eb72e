-- What casework knows of others' records: of each the newest revision it has seen, and no more than routing needs.
-- Nothing about residents is here; the names are those of members, which are public in the village.

-- The registry's grids.
create table grid (
    village  text not null,
    code     text not null,
    in_use   boolean not null,
    revision bigint not null,
    primary key (village, code)
);
select lianxin.tenant_table('grid');

-- The registry's households: in which grid they are, and the number by which ledgers name them.
create table household (
    village  text not null,
    id       uuid not null,
    number   text not null,
    grid     text not null,
    active   boolean not null,
    revision bigint not null,
    primary key (village, id)
);
select lianxin.tenant_table('household');
-- Not unique: while news is out of order, two households may seem to have one number.
create index household_number on household (village, number);

-- Liaison's teams: who sits in the three seats.
create table team (
    village             text not null,
    grid                text not null,
    cadre               uuid,
    leader              uuid,
    representative      uuid,
    cadre_name          text,
    leader_name         text,
    representative_name text,
    revision            bigint not null,
    primary key (village, grid)
);
select lianxin.tenant_table('team');
