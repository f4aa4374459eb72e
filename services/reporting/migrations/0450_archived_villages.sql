-- Which villages are archived. Null until their news is heard again, of those that were known before this was kept:
-- `lianxin events republish registry` has it told anew.
alter table village add column archived boolean;
