-- A move of a concern changes its state, its owner and its days. As long as none of these stands in an index (not in a
-- partial index's condition either), PostgreSQL writes the new version of the row beside the old one and touches no index:
-- so none may. Lists by state read the village by day instead, and lists of what is to be done belong in a narrow table
-- of their own that holds open concerns only.
drop index concern_by_state;
-- Room in each page for that new version.
alter table concern set (fillfactor = 80);
