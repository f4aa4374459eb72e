-- Run once, when the database cluster is made: the role that owns all of Lianxin's databases and makes the services'
-- roles. It is no superuser, so that row-level security holds for it too.
\set ON_ERROR_STOP on
\set password `cat /run/secrets/postgres_owner`
create role lianxin_owner login createdb createrole password :'password';
grant pg_signal_backend to lianxin_owner;
