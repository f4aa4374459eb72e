-- How often a village visits its households. A village without a row goes by the mechanism's own plan. What is due is never
-- stored: it follows from households, links, visits and this row, so no entry can go stale.
create table visit_plan (
    village      text primary key,
    every_visits smallint not null check (every_visits between 0 and 31),
    every_months smallint not null check (every_months in (1, 2, 3, 4, 6, 12)),
    key_visits   smallint not null check (key_visits between 0 and 31),
    key_months   smallint not null check (key_months in (1, 2, 3, 4, 6, 12)),
    rules        bytea[] not null,       -- each a lianxin.liaison.v1.VisitRule; read whole, and by nobody but the service
    revision     bigint not null,
    created_at   timestamptz not null,
    updated_at   timestamptz not null
);
select lianxin.tenant_table('visit_plan');
