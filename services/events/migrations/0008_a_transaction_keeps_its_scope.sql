-- Whoever appends a change goes on seeing their own scope and no more: the function that puts it in the outbox had set the
-- scope of the whole transaction. A change's own village is always within it.
create or replace function lianxin.tell() returns trigger language plpgsql as $$
begin
    insert into outbox (position, village) select position, village from appended;
    return null;
end $$;
