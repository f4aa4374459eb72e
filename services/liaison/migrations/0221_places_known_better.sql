-- More of what the registry's news tells of places: the areas of grids, which households are visited more often, whose
-- group they are of, and how they stood on days that have gone by.

-- Rows from before have null here until their news is heard again: `lianxin events republish registry` has it told anew.
alter table grid add column area text;
alter table household
    add column key_household boolean,    -- needs particular care; who in it and why, only the registry knows
    add column villager_group text;      -- null: none

-- Coverage is asked for days that have gone by, so what decides it is kept by day. What a revision says holds from its
-- day on until the next one's; the row with the greatest `since` that is not after a day says how the household stood on it.
-- Of several revisions on one day the last stays. So it is the same table in whatever order, and however often, news comes.
create table household_was (
    village      text not null,
    household    uuid not null,
    since        date not null,          -- '-infinity' for what the first revision says: it was so before anybody wrote it down
    grid         text not null,
    kind         text not null,
    state        text not null,
    active_since date,                   -- the first day it counts; null: always
    revision     bigint not null,        -- 0: filled in below, until news of the first revision is heard again
    primary key (village, household, since)
);
select lianxin.tenant_table('household_was');

select set_config('lianxin.scope', '*', true);
insert into household_was (village, household, since, grid, kind, state, active_since, revision)
select village, id, '-infinity', grid, kind, state, active_since, 0 from household;
