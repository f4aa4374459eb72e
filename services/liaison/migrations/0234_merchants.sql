-- Merchants, as the registry's news tells them: no more than whose premises they are on, and whether they are in business.
-- Who serves a merchant is asked and never stored: whoever serves its landlord's household on line two. So it follows when
-- the landlord's link moves, when another landlord is told, and when the merchant closes.
create table merchant (
    village  text not null,
    id       uuid not null,
    landlord uuid not null,              -- a household; news of it may come later than news of the merchant
    open     boolean not null,
    revision bigint not null,
    primary key (village, id)
);
select lianxin.tenant_table('merchant');
create index merchant_landlord on merchant (village, landlord) where open;
