-- More of what a village knows of its people. A head's stands with the household, as the head's name does.
alter table resident
    add column party_member   boolean not null default false,
    add column tags           text[] not null default '{}',   -- special care; of the village's set
    add column pension_due_on date;                            -- the day by which the certification is due
-- The order of lists of a whole village.
create index resident_in_order on resident (village, entered);

alter table household
    add column head_party_member   boolean not null default false,
    add column head_pension_due_on date,
    -- What its residents' tags say, each once: written with them, so that a household tells by itself whether it is to be
    -- visited more often.
    add column resident_tags       text[] not null default '{}';

-- Which tags of special care a village uses for its residents. A village without a row uses the usual ones, which the
-- service knows.
create table care_tags (
    village    text not null,
    tags       text[] not null check (cardinality(tags) between 1 and 50),
    revision   bigint not null,
    constraint care_tags_pkey primary key (village),
    constraint care_tags_village foreign key (village) references village
);
select lianxin.tenant_table('care_tags');
