-- An archived village is kept to be read: nothing more is written of it, by whatever method, since nothing is written
-- without a change in the change log. The archiving itself is told before it is done, in the same transaction.
create index village_archived on village (village) where state = 'archived';

create policy archived on change_log as restrictive for insert
    with check (village not in (select archived.village from village archived where archived.state = 'archived'));
