-- What a village has settled about the way to becoming a representative. A village without a row goes by the mechanism's own
-- rules: a public notice of a week, of 5 to 30 days if somebody says so.
create table entrance_rules (
    village           text primary key,
    notice_days       smallint not null,
    least_notice_days smallint not null,
    most_notice_days  smallint not null,
    revision          bigint not null,
    created_at        timestamptz not null,
    updated_at        timestamptz not null,
    check (1 <= least_notice_days and least_notice_days <= notice_days and notice_days <= most_notice_days
           and most_notice_days <= 60)
);
select lianxin.tenant_table('entrance_rules');
