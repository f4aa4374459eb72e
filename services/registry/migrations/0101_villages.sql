-- Villages and communities: the tenants themselves.
create table village (
    village      text primary key,       -- official 12-digit division code; its first 9 digits are the sub-district
    display_name text not null check (display_name <> ''),
    state        text not null check (state in ('active', 'archived')),
    revision     bigint not null,
    created_at   timestamptz not null,
    updated_at   timestamptz not null,
    -- 6 digits county, 3 digits street or town, then 001–199 a community, 200–399 a village
    constraint village_code check (village ~ '^[1-9][0-9]{8}(?!000)[0-3][0-9]{2}$')
);
select lianxin.tenant_table('village');
