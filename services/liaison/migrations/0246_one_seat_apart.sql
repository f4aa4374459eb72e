-- As with links: what holds that a seat has one holder, a representative one grid and a seat one stand-in is used for nothing
-- else. The tables are locked in the order in which they are written everywhere.
alter table seating
    add constraint seating_one_a_day_apart exclude using gist
        ((village || '/' || grid || '/' || seat) with =, daterange(valid_from, valid_to) with &&),
    add constraint seating_representative_once_apart exclude using gist
        ((village || '/' || member::text) with =, daterange(valid_from, valid_to) with &&) where (seat = 'representative');
alter table seating drop constraint seating_one_a_day, drop constraint seating_representative_once;
alter table seating rename constraint seating_one_a_day_apart to seating_one_a_day;
alter table seating rename constraint seating_representative_once_apart to seating_representative_once;

-- Two absences may change places within a statement, as before.
alter table absence
    add constraint absence_one_a_day_apart exclude using gist
        ((village || '/' || grid || '/' || seat) with =, daterange(valid_from, valid_to) with &&)
        deferrable initially immediate;
alter table absence drop constraint absence_one_a_day;
alter table absence rename constraint absence_one_a_day_apart to absence_one_a_day;
