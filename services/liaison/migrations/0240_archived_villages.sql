-- Which villages are at work, as the registry's news tells. Those that were archived before this was kept are active here
-- until their news is heard again: `lianxin events republish registry` has it told anew.
create table village (
    village  text primary key,
    state    text not null check (state in ('active', 'archived')),
    revision bigint not null
);
select lianxin.tenant_table('village');
create index village_archived on village (village) where state = 'archived';

-- Whatever liaison writes is told, so this holds all of it. What follows from days that pass leaves archived villages alone
-- by itself: terms do not end there, and no gap opens or closes.
select lianxin.refuse_when_archived('change_log');
