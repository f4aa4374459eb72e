-- What a place lays down for a year is a record like any other: it has a revision, so that two who change it do not overwrite
-- each other, and the change log says who did.

-- A year for which a place has said something. `village` is the place: a village's code, or that of the sub-district, which
-- is seen by those whose scope is all of it. The days are in calendar_day.
create table calendar_year (
    village    text not null,
    year       integer not null,
    revision   bigint not null,
    updated_at timestamptz not null,
    updated_by text not null,
    primary key (village, year)
);
select lianxin.tenant_table('calendar_year');

-- What belongs to a village is found by this column, for its export and when it is erased.
alter table calendar_day add column village text generated always as (place) stored;
