-- What liaison knows of the registry's grids and households: the newest revision it has seen, nothing personal.

-- A row may come before the rows it refers to: news has no order between records, so nothing here has a foreign key.
create table grid (
    village  text not null,
    code     text not null,              -- three digits; the team of the grid has the same
    kind     text not null,
    line     text,                       -- the line most of its households stand on, as the roster says
    retired  boolean not null,
    revision bigint not null,
    primary key (village, code)
);
select lianxin.tenant_table('grid');

create table household (
    village      text not null,
    id           uuid not null,
    number       text not null,          -- 户编号; ledgers name households by it
    grid         text not null,
    kind         text not null,
    outside      boolean not null,
    state        text not null,
    active_since date,                   -- the first day it counts; null: always
    revision     bigint not null,
    primary key (village, id)
);
select lianxin.tenant_table('household');
create index household_grid on household (village, grid);
-- Not unique: two households may exchange their numbers, and news of the one comes before news of the other.
create index household_number on household (village, number);
