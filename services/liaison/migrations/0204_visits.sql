-- Contacts with households. What happened is logged and never changed.
create table visit (
    village        text not null,
    id             uuid not null,
    household      uuid,                 -- null: the grid at large
    grid           text not null,        -- with a household, its grid when the visit was logged
    representative uuid not null,
    visited_on     date not null,
    mode           text not null check (mode in ('door_step', 'telephone', 'wechat')),
    persons        integer not null check (persons > 0),
    topics         text[] not null,
    note           text not null,        -- free text about residents: leaves this table only to those who may see the visit
    revision       bigint not null,
    created_at     timestamptz not null,
    updated_at     timestamptz not null,
    constraint visit_pkey primary key (village, id),
    foreign key (village, representative) references member (village, id)
);
select lianxin.tenant_table('visit');
create index visit_day on visit (village, visited_on desc, id desc);
create index visit_household on visit (village, household, visited_on);
