-- Households and their people. Citizen ID numbers, telephones and addresses are sealed with the village's key before they
-- get here (`*_sealed`); `*_index` is a keyed hash of the same text, by which equals are found and nothing is learnt.

create table household (                 -- 户
    village                text not null,
    id                     uuid not null,
    number                 text not null check (number <> ''),          -- 户编号, with its leading zeros
    head_name              text not null check (head_name <> ''),
    citizen_id_sealed      bytea,                                       -- the head's
    telephone_sealed       bytea,
    telephone_index        bytea,
    registered_persons     integer not null check (registered_persons between 0 and 1000),
    villager_group         text,
    kind                   text not null check (kind in ('original', 'relocated', 'rebuilt_area', 'tenant')),
    grid                   text not null,                               -- exactly one
    address_sealed         bytea,
    current_address_sealed bytea,                                       -- only where it is elsewhere
    outside                boolean not null,
    tags                   text[] not null,
    verified_on            date,
    active_since           date,                                        -- null: entered from a roster, which does not say
    state                  text not null check (state in ('active', 'away', 'demolished')),
    revision               bigint not null,
    created_at             timestamptz not null,
    updated_at             timestamptz not null,
    constraint household_pkey primary key (village, id),
    -- Also the order of lists.
    constraint household_number unique (village, number),
    -- What a merchant's premises refer to: see there.
    constraint household_kind unique (village, id, kind),
    constraint household_grid foreign key (village, grid) references grid (village, code),
    constraint household_villager_group foreign key (village, villager_group) references villager_group (village, code),
    -- A tenant lives here for rent: outside the village there is nothing to rent from it.
    constraint household_tenant_inside check (kind <> 'tenant' or not outside)
);
select lianxin.tenant_table('household');
-- Lists for those who serve some grids; and the grid's own end of the foreign key.
create index household_by_grid on household (village, grid, number);
create index household_by_telephone on household (village, telephone_index) where telephone_index is not null;

create table resident (                  -- 家庭成员: the people beside the head
    village          text not null,
    id               uuid not null,
    household        uuid not null,
    entered          bigint generated always as identity,               -- the order of lists
    display_name     text not null check (display_name <> ''),
    relation         text not null check (relation <> ''),              -- to the head, in the register's words
    citizen_id_sealed bytea,
    telephone_sealed bytea,
    telephone_index  bytea,
    revision         bigint not null,
    created_at       timestamptz not null,
    updated_at       timestamptz not null,
    constraint resident_pkey primary key (village, id),
    constraint resident_household foreign key (village, household) references household (village, id)
);
select lianxin.tenant_table('resident');
create index resident_by_household on resident (village, household, entered);
create index resident_by_telephone on resident (village, telephone_index) where telephone_index is not null;

-- Whose a citizen ID number is. One person is in the village once, as the head of one household or as a resident of one;
-- two tables cannot share a unique index, so the number's index is kept here and nowhere else.
create table citizen (
    village          text not null,
    citizen_id_index bytea not null,
    household        uuid not null,
    resident         uuid,                                              -- null: the household's head
    constraint citizen_pkey primary key (village, citizen_id_index),
    -- One number for a person.
    constraint citizen_person unique nulls not distinct (village, household, resident),
    constraint citizen_household foreign key (village, household) references household (village, id) on delete cascade,
    constraint citizen_resident foreign key (village, resident) references resident (village, id) on delete cascade
);
select lianxin.tenant_table('citizen');
create index citizen_by_resident on citizen (village, resident) where resident is not null;
