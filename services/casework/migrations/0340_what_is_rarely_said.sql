-- What is rarely said of a concern: how it came in, on whose behalf, where in words, what was handed over. One sentence is
-- enough to report a concern, so most have none of it, and none of it stands in the table that every report writes: only
-- whether there is any.

alter table concern
    add column sensitive boolean not null default false,     -- told only to those who have it to do
    add column detailed  boolean not null default false;     -- there is a row in concern_detail

-- Written only with something in it. Free text is sealed with the village's key.
create table concern_detail (
    village         text not null,
    id              uuid not null,           -- the concern's
    channel         text,                    -- how it came in
    visit           uuid,                    -- liaison's, on which it came up
    household       uuid,                    -- of the resident on whose behalf it is
    resident        uuid,
    location_sealed bytea,                   -- where, in words
    errand          boolean not null,        -- it is done for somebody, with what is handed over
    receipt_sealed  bytea,                   -- the authority's receipt for the errand
    primary key (village, id),
    constraint concern_detail_of foreign key (village, id) references concern (village, id),
    constraint concern_detail_resident check ((household is null) = (resident is null))
);
select lianxin.tenant_table('concern_detail');

-- What was handed over for an errand: titles as in the catalogue, never what is written on a paper.
create table paper (
    village     text not null,
    concern     uuid not null,
    place       integer not null,            -- from 1, in the order in which they were handed over
    title       text not null,
    received_on date not null,
    returned_on date,                        -- null: it is still here
    primary key (village, concern, place),
    constraint paper_of foreign key (village, concern) references concern_detail (village, id),
    constraint paper_days check (returned_on >= received_on)
);
select lianxin.tenant_table('paper');
