-- Tenancy, the same in every service's database.
--
-- A village is the tenant; a scope is a prefix of its code. Migrations run as the owner; services
-- connect as members of lianxin_service, which owns nothing and cannot bypass row security.

create schema lianxin;
grant usage on schema lianxin, public to lianxin_service;

-- Makes a table a tenant's table: its rows are seen and changed only by a transaction whose scope is a
-- prefix of their village. '*' is the service's own scope, for relay and consumer; no token can carry it.
-- A scope that is not set is null (never set) or '' (set in an earlier transaction of the connection):
-- nullif turns both into "sees nothing", because every village code starts with ''.
create function lianxin.tenant_table(name regclass) returns void language plpgsql as $$
begin
    execute format('alter table %s enable row level security', name);
    execute format('alter table %s force row level security', name);
    execute format(
        'create policy tenant on %s
           using (village ^@ nullif(current_setting(''lianxin.scope'', true), '''')
                  or current_setting(''lianxin.scope'', true) = ''*'')', name);
    execute format('grant select, insert, update, delete on %s to lianxin_service', name);
end $$;

-- A request that was carried out, so that its repetition is answered and not carried out again. It may hold a citizen ID
-- number, so nothing is kept of it that could be found again by trying numbers.
create table request (
    village     text not null,
    id          uuid not null,           -- first 16 bytes of the SHA-256 of the request_id that the caller chose
    fingerprint bytea not null,          -- HMAC-SHA-256 of the content under the request_id, which is kept nowhere
    record      text not null,           -- what it made or changed
    at          timestamptz not null default now(),
    primary key (village, id)
);
select lianxin.tenant_table('request');

-- Each village's data key for sensitive fields, wrapped by the key file, which is not in any database.
create table data_key (
    village    text primary key,
    wrapped_by text not null,            -- id of the key file's key
    wrapped    bytea not null
);
select lianxin.tenant_table('data_key');
