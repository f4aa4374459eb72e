-- Who was given a whole ledger, in households' words, and what for. An entry is committed before the first byte is answered.
-- A service may add entries and read them; it can neither change nor delete one.
create table ledger_export (
    village text not null,
    entry   bigint generated always as identity,
    purpose text not null check (purpose <> ''),
    subject text not null,               -- who (the token's sub)
    office  text not null,               -- in which office
    at      timestamptz not null default clock_timestamp(),
    constraint ledger_export_pkey primary key (village, entry)
);
select lianxin.tenant_table('ledger_export');
revoke update, delete on ledger_export from lianxin_service;
