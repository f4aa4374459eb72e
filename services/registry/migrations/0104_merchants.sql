-- Businesses on premises of the rebuilt area.
create table merchant (                  -- 商户
    village             text not null,
    id                  uuid not null,
    entered             bigint generated always as identity,            -- the order of lists
    display_name        text not null check (display_name <> ''),
    credit_code         text,                                           -- on every licence, so public; null: none yet
    operator_name       text not null,                                  -- '' : not known
    telephone_sealed    bytea,
    telephone_index     bytea,
    trade               text not null,
    landlord            uuid not null,                                  -- its grid is the merchant's grid
    -- The premises of an open business belong to a rebuilt-area household; a closed one is history.
    landlord_kind       text generated always as (case state when 'open' then 'rebuilt_area' end) stored,
    address_sealed      bytea,
    licence_expires_on  date,
    state               text not null check (state in ('open', 'closed')),
    revision            bigint not null,
    created_at          timestamptz not null,
    updated_at          timestamptz not null,
    constraint merchant_pkey primary key (village, id),
    constraint merchant_credit_code unique (village, credit_code),
    constraint merchant_landlord foreign key (village, landlord) references household (village, id),
    constraint merchant_landlord_kind foreign key (village, landlord, landlord_kind) references household (village, id, kind)
);
select lianxin.tenant_table('merchant');
create index merchant_in_order on merchant (village, entered);
create index merchant_by_landlord on merchant (village, landlord);
