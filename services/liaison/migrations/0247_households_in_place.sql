-- Due visits are looked for in the order of grids and numbers, some hundred households at a time: each time from where the last
-- ended, and not through the whole village.
create index household_place on household (village, grid, number, id);
-- It serves all that this one did.
drop index household_grid;
