-- Everything that can be done with a concern: given to somebody who has to answer, returned, declined, withdrawn, laid
-- aside, escalated, supervised, opened again.

alter table concern
    -- Whom it was given to and who has neither accepted nor returned it. The owner stays answerable meanwhile: so there is
    -- one at every moment, and `owner_kind` is never null.
    add column assignee_kind text,
    add column assignee      text,
    add column returns       integer not null default 0,     -- the second goes to the village office
    add column reopenings    integer not null default 0,     -- the household sent it back; the second puts it under supervision
    add column suspended     boolean not null default false,
    add column supervised    boolean not null default false,
    -- `resolved_on` is what the handler claims, this is what the household confirms: two facts, two days.
    add column confirmed_on  date,
    -- Closed, declined, withdrawn or merged on this day; null while it is open. What people work from is open, so their
    -- lists have an index of their own below, whose columns hardly ever change: a concern that moves stays where it is in
    -- every index until it ends.
    add column ended_on      date,
    add constraint concern_assigned check (
        case when assignee_kind is null or assignee_kind in ('office', 'subdistrict') then assignee is null
             else assignee is not null end);

-- The sub-district has no key beside its kind, as the village office has none, and it may have what no team ever had.
alter table concern drop constraint concern_owned, drop constraint concern_routed;
alter table concern
    add constraint concern_owned check ((owner_kind in ('office', 'subdistrict')) = (owner is null)),
    add constraint concern_routed check (routed or owner_kind in ('office', 'subdistrict'));

-- Row security holds the owner too.
select set_config('lianxin.scope', '*', true);
update concern
   set ended_on = closed_on,
       confirmed_on = case when outcome = 'satisfied' then followed_up_on end
 where closed_on is not null;

-- Whom it was given to by this move.
alter table move
    add column assignee_kind text,
    add column assignee      text;

-- One village's open concerns are some hundreds: whatever else a list asks for is looked at in the rows. Indexes by state
-- and by grid would have to be kept with every move, and each move would rewrite all the others.
create index concern_open on concern (village, reported_on desc, id desc) where ended_on is null;
drop index if exists concern_by_state;
drop index concern_by_grid;
