-- What reporting knows of others' records: of each the newest revision it has seen, and no more than figures count.
-- Figures are asked for a range of villages (one, or a sub-district's) and a period, so every index begins with the
-- village and, where there is one, goes on with the day.

-- The registry's villages.
create table village (
    village      text primary key,
    display_name text not null,
    revision     bigint not null
);
select lianxin.tenant_table('village');

-- The registry's grids.
create table grid (
    village  text not null,
    code     text not null,
    in_use   boolean not null,
    revision bigint not null,
    primary key (village, code)
);
select lianxin.tenant_table('grid');

-- The registry's households.
create table household (
    village  text not null,
    id       uuid not null,
    active   boolean not null,
    revision bigint not null,
    primary key (village, id)
);
select lianxin.tenant_table('household');
create index household_active on household (village, id) where active;

-- The registry's merchants.
create table merchant (
    village  text not null,
    id       uuid not null,
    open     boolean not null,
    revision bigint not null,
    primary key (village, id)
);
select lianxin.tenant_table('merchant');
create index merchant_open on merchant (village) where open;

-- Liaison's teams.
create table team (
    village        text not null,
    grid           text not null,
    representative uuid,
    complete       boolean not null,
    revision       bigint not null,
    primary key (village, grid)
);
select lianxin.tenant_table('team');

-- Liaison's links: who is linked, and for which days; the last day is the first that no longer counts.
create table link (
    village    text not null,
    id         uuid not null,
    household  uuid not null,
    start_date date not null,
    end_date   date,
    revision   bigint not null,
    primary key (village, id)
);
select lianxin.tenant_table('link');
create index link_household on link (village, household) include (start_date, end_date);

-- Liaison's visits.
create table visit (
    village    text not null,
    id         uuid not null,
    household  uuid,                       -- null: a grid at large
    visited_on date not null,
    persons    integer not null,
    revision   bigint not null,
    primary key (village, id)
);
select lianxin.tenant_table('visit');
create index visit_by_day on visit (village, visited_on) include (household, persons);

-- Casework's concerns.
create table concern (
    village        text not null,
    id             uuid not null,
    matter         text not null,
    state          text not null,
    reported_on    date not null,
    resolved_on    date,
    followed_up_on date,
    outcome        text,
    revision       bigint not null,
    primary key (village, id)
);
select lianxin.tenant_table('concern');
create index concern_by_day on concern (village, reported_on);
create index concern_resolved on concern (village, resolved_on) where resolved_on is not null;
create index concern_followed_up on concern (village, followed_up_on) where followed_up_on is not null;
