-- Between two visits of autovacuum an import brings more rows than the server has ever counted, and by what it counted
-- last it would read whole villages for every row. Whoever brings much may have it count again what autovacuum would
-- count too, and nothing else: services do not own their tables.
create function lianxin.count_rows() returns void
language plpgsql security definer set search_path = pg_catalog, public as $$
declare
    grown record;
begin
    for grown in
        select format('%I.%I', stat.schemaname, stat.relname) as name
          from pg_stat_user_tables stat
          join pg_class on pg_class.oid = stat.relid
         where stat.schemaname = 'public'
           and stat.n_mod_since_analyze > 50 + 0.1 * greatest(pg_class.reltuples, 0)
    loop
        execute format('analyze (skip_locked) %s', grown.name);
    end loop;
end $$;
revoke all on function lianxin.count_rows() from public;
grant execute on function lianxin.count_rows() to lianxin_service;
