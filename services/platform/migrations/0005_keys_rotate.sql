-- Data keys are replaced while everybody works. A village has one current key, in data_key, under which fields are sealed;
-- beside it there may be another. A new one is `coming` first: it seals nothing yet, so that every replica has read it
-- before the first field is sealed under it. The key that it replaces is `going`: it still opens what was sealed under it,
-- until all of it has been sealed anew; then its row is deleted, and with it the last that opens copies of the old fields.
--
-- A sealed field says under which version it was sealed: the bytes f5 6c 78 01, then the version in four bytes, highest
-- first. A field without them is older than versions, and is version 1's. Versions of a program from before cannot open
-- fields with them: replace all replicas within one rolling restart, and rotate afterwards.
alter table data_key add column version integer not null default 1;

-- The key of the blind indexes, wrapped. It stays the same when the data key is replaced, so that one number has one index
-- at every moment, and unique constraints hold over all of them. Null: it is derived from the data key, which is version 1.
alter table data_key add column finding bytea;
alter table data_key add column finding_wrapped_by text;
alter table data_key add constraint data_key_finding check ((finding is null) = (finding_wrapped_by is null));
alter table data_key add constraint data_key_finding_kept check (version = 1 or finding is not null);

create table other_data_key (
    village    text primary key,         -- one rotation of a village at a time
    version    integer not null,
    wrapped_by text not null,            -- id of the key file's key
    wrapped    bytea not null,
    state      text not null check (state in ('coming', 'going')),
    since      timestamptz not null default now()
);
select lianxin.tenant_table('other_data_key');
