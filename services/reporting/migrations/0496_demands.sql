-- Casework's common demands. News of them that was passed over before this version is read once it is published again:
-- `lianxin events republish casework`; until then those demands count nowhere.
create table demand (
    village   text not null,
    id        uuid not null,
    state     text not null,
    concerns  integer not null,          -- that are part of it; of one that was taken apart, those it had
    opened_on date not null,
    ended_on  date,                      -- answered or taken apart on this day
    revision  bigint not null,
    primary key (village, id)
);
select lianxin.tenant_table('demand');
create index demand_opened on demand (village, opened_on);
create index demand_ended on demand (village, ended_on) where ended_on is not null;
