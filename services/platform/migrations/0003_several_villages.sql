-- A transaction that carries out orders from several villages names each of them in its scope, separated by commas: it
-- sees these and no other. The list is taken apart once for a statement, not once for a row.

create or replace function lianxin.tenant_table(name regclass) returns void language plpgsql as $$
begin
    execute format('alter table %s enable row level security', name);
    execute format('alter table %s force row level security', name);
    execute format(
        'create policy tenant on %s
           using (village ^@ nullif(current_setting(''lianxin.scope'', true), '''')
                  or current_setting(''lianxin.scope'', true) = ''*''
                  or village = any((select string_to_array(current_setting(''lianxin.scope'', true), '',''))::text[]))',
        name);
    execute format('grant select, insert, update, delete on %s to lianxin_service', name);
end $$;

-- The tables that there are already get the policy anew, and keep what was granted on them.
do $$
declare
    held record;
begin
    for held in select format('%I.%I', schemaname, tablename) as name from pg_policies where policyname = 'tenant' loop
        execute format(
            'alter policy tenant on %s
               using (village ^@ nullif(current_setting(''lianxin.scope'', true), '''')
                      or current_setting(''lianxin.scope'', true) = ''*''
                      or village = any((select string_to_array(current_setting(''lianxin.scope'', true), '',''))::text[]))',
            held.name);
    end loop;
end $$;
