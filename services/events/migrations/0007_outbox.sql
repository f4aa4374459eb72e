-- The outbox apart from the change log. A change was written twice, when it was made and again when the stream had it, with
-- all it says and under its widest key. Now its row is written once and never touched again; what the relay has to know is
-- in two narrow tables beside it.

-- The change log in its own order, for whoever knows a position.
create index change_log_position on change_log (position);

-- Changes that the stream does not have. A row lives for milliseconds.
create table outbox (
    position bigint primary key,
    village  text not null
);
select lianxin.tenant_table('outbox');

-- Where the stream acknowledged the others. No two have one place, unless the stream was set back: the relay finds that out
-- by the second one, so no constraint stands in its way. Nothing is looked up by position, so there is no key for it.
create table published (
    position bigint not null,
    village  text not null,
    sequence bigint not null
);
select lianxin.tenant_table('published');
create index published_sequence on published (sequence);

-- Row security holds for the owner of the tables too.
set local lianxin.scope = '*';
insert into outbox (position, village) select position, village from change_log where sequence is null;
insert into published (position, village, sequence)
select position, village, sequence from change_log where sequence is not null;

-- Nothing is appended to the change log that does not become news: not by a statement that forgets it, not by a replica of
-- the version before this one.
create function lianxin.tell() returns trigger language plpgsql as $$
begin
    insert into outbox (position, village) select position, village from appended;
    return null;
end $$;
create trigger tell after insert on change_log
    referencing new table as appended
    for each statement execute function lianxin.tell();

-- The column change_log.sequence is the previous version's, whose relays may run for some minutes yet: they publish what
-- they find there a second time, which harms nobody.
drop index change_log_unpublished;
drop index change_log_sequence;
