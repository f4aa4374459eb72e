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
-- What a village lays down for itself is not told to anybody.
select lianxin.refuse_when_archived('matter_type');
select lianxin.refuse_when_archived('deadline');
select lianxin.refuse_when_archived('deliberation_policy');
-- Written down before a file is stored: so a file is refused before it is.
select lianxin.refuse_when_archived('stored_object');
-- A sub-district's calendar goes on; a village's own is changed with an entry here.
alter table calendar_change enable row level security;
create policy working on calendar_change using (true);
select lianxin.refuse_when_archived('calendar_change', 'place');
