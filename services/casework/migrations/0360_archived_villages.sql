-- Which villages are at work, as the registry's news tells. Those that were archived before this was kept are active here
-- until their news is heard again: `lianxin events republish registry` has it told anew.
create table village (
    village  text primary key,
    state    text not null check (state in ('active', 'archived')),
    revision bigint not null
);
select lianxin.tenant_table('village');
create index village_archived on village (village) where state = 'archived';

select lianxin.refuse_when_archived('change_log');
-- Written down before a file is stored: so a file is refused before it is.
select lianxin.refuse_when_archived('stored_object');
-- Told to nobody until a demand is made of it.
select lianxin.refuse_when_archived('demand_proposal');
