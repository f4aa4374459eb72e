-- The registry refuses writes in archived villages in the way of all services; see the migrations of platform.
drop policy archived on change_log;
select lianxin.refuse_when_archived('change_log');
