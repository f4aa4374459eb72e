-- Who was shown what is otherwise masked, and what for. An entry is written in the transaction that opens the fields and is
-- committed before they are answered. A service may add entries and read them; it can neither change nor delete one, and
-- nobody deletes any before six months have passed.
create table reveal (
    village text not null,
    entry   bigint generated always as identity,
    record  text not null,               -- resource name of the household, resident or merchant
    purpose text not null check (purpose in ('errand', 'contact', 'verification', 'emergency', 'supervision')),
    note    text not null check (note <> ''),
    fields  text[] not null,             -- which were shown: those that had anything in them
    subject text not null,               -- who (the token's sub)
    office  text not null,               -- in which office
    at      timestamptz not null default clock_timestamp(),
    constraint reveal_pkey primary key (village, entry)
);
select lianxin.tenant_table('reveal');
revoke update, delete on reveal from lianxin_service;
create index reveal_by_record on reveal (village, record, entry);
create index reveal_by_subject on reveal (village, subject, entry);
