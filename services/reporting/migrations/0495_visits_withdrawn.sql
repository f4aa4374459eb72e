-- A visit that was logged by mistake is withdrawn by liaison: its row stays, so that older news does not bring it back, and
-- counts nowhere.
alter table visit add column withdrawn boolean not null default false;
-- Figures of visits are read off the index alone, so it holds what counts and nothing else.
create index visit_counted on visit (village, visited_on) include (household, persons) where not withdrawn;
drop index visit_by_day;
