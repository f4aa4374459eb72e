-- The index behind the exclusion constraint is of a kind (GiST) that finds one row forty times slower than an ordinary index
-- does, and the planner takes the two to cost the same: it went through this one for every link that it looked up, a third
-- of a millisecond each. So it is over an expression that no question asks for: it holds what it held, under the same name,
-- and is used for nothing else.
--
-- No table is rewritten, but the index is built anew: of a million links that takes a minute or two, in which they cannot be
-- read or written. Nothing else is locked meanwhile, so that nobody waits in a circle.

alter table link
    add constraint link_one_a_day_apart exclude using gist
        ((village || '/' || household::text) with =, daterange(valid_from, valid_to) with &&);
alter table link drop constraint link_one_a_day;
alter table link rename constraint link_one_a_day_apart to link_one_a_day;
