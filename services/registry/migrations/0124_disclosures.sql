-- Reveals and rosters that went out are listed together, by when it was. The primary keys are in the order in which entries
-- were begun, which is not quite that in which they have their times.
create index reveal_by_time on reveal (village, at, entry);
create index roster_export_by_time on roster_export (village, at, entry);
