-- How people are found by the initials of their names (张三丰: zsf).
--
-- A search looks through the names of one village and no other: `like`, as every comparison within a text, is not
-- leakproof, so that behind row security no index of its own can serve it, and an index of two-character pieces beside
-- the table would have to be written with every name. The village's own index leads to its rows, a few thousand at most,
-- whatever the number of villages. Addresses are sealed: the service opens those of the village and compares them, which
-- costs half a microsecond each, and leaves nothing in the database by which an address could be guessed.

alter table household add column head_initials text;    -- every reading of the head's name; null: not worked out yet
alter table resident add column initials text;          -- the same of a resident's

-- What is still to be worked out: rows from before, or written by a version that does not know the column.
create index household_without_initials on household (village, id) where head_initials is null;
create index resident_without_initials on resident (village, id) where initials is null;

-- The names of a village's people, without the rest of their rows.
create index resident_by_name on resident (village, display_name) include (id, household, initials);

-- A version that does not know the columns renames people and leaves the former name's initials behind.
create function forget_head_initials() returns trigger language plpgsql as $$
begin
    new.head_initials := null;
    return new;
end $$;
create trigger household_renamed before update of head_name on household for each row
    when (new.head_name is distinct from old.head_name and new.head_initials is not distinct from old.head_initials)
    execute function forget_head_initials();

create function forget_initials() returns trigger language plpgsql as $$
begin
    new.initials := null;
    return new;
end $$;
create trigger resident_renamed before update of display_name on resident for each row
    when (new.display_name is distinct from old.display_name and new.initials is not distinct from old.initials)
    execute function forget_initials();
