-- How a village is divided. Areas, villager groups and Party groups have the same columns, and a table each, so that
-- what refers to one of them cannot refer to another.

create table area (                      -- 片区: a part of the village under one area-liaison cadre
    village      text not null,
    code         text not null check (code ~ '^[A-Za-z0-9-]{1,16}$'),   -- the village's own code, as it writes it
    display_name text not null check (display_name <> ''),
    revision     bigint not null,
    created_at   timestamptz not null,
    updated_at   timestamptz not null,
    constraint area_pkey primary key (village, code),
    constraint area_village foreign key (village) references village
);
select lianxin.tenant_table('area');

create table villager_group (            -- 村民小组
    village      text not null,
    code         text not null check (code ~ '^[A-Za-z0-9-]{1,16}$'),
    display_name text not null check (display_name <> ''),              -- rosters refer to it by this name
    revision     bigint not null,
    created_at   timestamptz not null,
    updated_at   timestamptz not null,
    constraint villager_group_pkey primary key (village, code),
    constraint villager_group_village foreign key (village) references village
);
select lianxin.tenant_table('villager_group');

create table party_group (               -- 党小组
    village      text not null,
    code         text not null check (code ~ '^[A-Za-z0-9-]{1,16}$'),
    display_name text not null check (display_name <> ''),
    revision     bigint not null,
    created_at   timestamptz not null,
    updated_at   timestamptz not null,
    constraint party_group_pkey primary key (village, code),
    constraint party_group_village foreign key (village) references village
);
select lianxin.tenant_table('party_group');

create table grid (                      -- 微网格: the households of one representative and one team
    village      text not null,
    code         text not null check (code ~ '^[0-9]{3}$'),
    display_name text not null check (display_name <> ''),
    area         text not null,
    kind         text not null check (kind in ('original_settlement', 'resettlement_area', 'outside_estate', 'shop_street')),
    line         text check (line in ('relocated', 'rebuilt')),         -- a hint for people; null: the roster is silent
    state        text not null check (state in ('active', 'retired')),
    revision     bigint not null,
    created_at   timestamptz not null,
    updated_at   timestamptz not null,
    constraint grid_pkey primary key (village, code),
    constraint grid_area foreign key (village, area) references area (village, code)
);
select lianxin.tenant_table('grid');
-- The number of a retired grid is never given to another: its row stays for ever.
revoke delete on grid from lianxin_service;
