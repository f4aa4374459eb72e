-- An archived village is kept to be read: whoever asks for a write in it is refused, in every service alike.
--
-- A service that has to know keeps a table `village` with a `state`: the registry's is the truth, the others' is what its
-- news told them. Nothing is written without a change in the change log, so a policy on that holds all of it; what is
-- written without news names its own table beside it. The policy is called `archived`, by which services know what they were
-- refused for (`platform/src/error.rs`). Only inserts are held: what is inserted or updated at once is an insert.
--
-- A transaction over the whole deployment is the service's own and no caller's: news that was on its way when the village
-- was archived is taken as any other, and never becomes a dead letter.
create function lianxin.refuse_when_archived(name regclass) returns void
language plpgsql as $$
begin
    execute format(
        'create policy archived on %s as restrictive for insert
           with check (current_setting(''lianxin.scope'', true) = ''*''
                       or village not in (select archived.village from village archived where archived.state = ''archived''))',
        name);
end $$;
