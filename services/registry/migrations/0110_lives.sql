-- Households as lives go: they merge, are demolished, and keep their history.

-- A merged household has nobody in it, not even a head: the former head is a resident of the one that took it in.
alter table household drop constraint household_state_check;
alter table household add constraint household_state_check check (state in ('active', 'away', 'demolished', 'merged'));
alter table household drop constraint household_head_name_check;
alter table household add constraint household_has_head check ((head_name <> '') = (state <> 'merged'));
alter table household add constraint household_merged_is_empty
    check (state <> 'merged' or num_nonnulls(citizen_id_sealed, telephone_sealed, address_sealed, current_address_sealed) = 0);

-- Whether people may live in it. Who lives in a household or lets its premises refers to this too, so that the database
-- itself keeps anybody from being left behind in one that is closed.
alter table household add column open boolean not null generated always as (state in ('active', 'away')) stored;
alter table household add constraint household_open unique (village, id, open);

-- Not valid: in old databases people may still be listed in a demolished household; they stay there until somebody moves
-- them, and no new one is added.
alter table resident add column household_open boolean not null generated always as (true) stored;
alter table resident drop constraint resident_household;
alter table resident add constraint resident_household
    foreign key (village, household, household_open) references household (village, id, open) not valid;

alter table merchant add column landlord_open boolean generated always as (case state when 'open' then true end) stored;
alter table merchant add constraint merchant_landlord_open
    foreign key (village, landlord, landlord_open) references household (village, id, open) not valid;

-- When and why something happened, beside the change log, which says what, when it was recorded and by whom. Only what
-- was done by a method that asks for a reason is here. The reason names nobody (the service sees to it), yet it is what
-- somebody wrote: should it have to go, it can be emptied; nothing else of a row can be changed, and no row deleted.
create table occasion (
    village    text not null,
    record     text not null,            -- resource name, as in the change log
    revision   bigint not null,          -- of the record, after the change
    day        date not null,
    reason     text not null,
    households uuid[] not null,          -- the others concerned: where people went, or came from
    resident   uuid,                     -- of a resident's record, which has other names in other households
    constraint occasion_pkey primary key (village, record, revision)
);
select lianxin.tenant_table('occasion');
revoke update, delete on occasion from lianxin_service;
grant update (reason) on occasion to lianxin_service;
create index occasion_by_resident on occasion (village, resident) where resident is not null;
