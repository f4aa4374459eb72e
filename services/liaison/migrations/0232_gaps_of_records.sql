-- What is missing, what was, and from which day to which, is asked of the records alone: the days on which a household
-- counted less those of its links, the days of a seat less those of its holders, the days of an absence. Rows of `gap` say
-- no more than what watchers have been told, in which order; nobody reads days of closed gaps from them any more.

-- The day on which a revision was told to have changed. A household that counts "always" is missed from the day on which the
-- first revision was told: before it, nobody had heard of it. The default is for replicas of the version before this one.
alter table household_was add column told_on date not null default (now() at time zone 'Asia/Shanghai')::date;

-- The first day on which a grid was out of use, and its seats no longer missing.
alter table grid add column retired_on date;

-- The day on which the keeper last looked: what opened and closed since then without its seeing it is told when it looks.
alter table gap_state add column looked_on date;

select set_config('lianxin.scope', '*', true);
update household_was
   set told_on = case when since > '-infinity' then since
                      else least(told_on, (select min(gap.since)
                                             from gap
                                            where gap.village = household_was.village
                                              and gap.household = household_was.household)) end;
update grid set retired_on = (now() at time zone 'Asia/Shanghai')::date where retired;
update gap_state set changed = true;

drop index gap_until;
