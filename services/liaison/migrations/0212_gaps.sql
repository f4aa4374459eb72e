-- Gaps as they open and close, so that it can be asked how long each lasted, and so that whoever watches hears of each.

-- What is missing now is read from households, links, teams and absences themselves; these rows follow behind, written by
-- one keeper that is woken by every commit, by the clock and by each new day. Rows are kept for ever.
create table gap (
    village    text not null,
    opened     bigint not null,          -- its place in the village's order of openings and closings
    what       text not null,            -- what is missing, as one key
    kind       text not null check (kind in ('household', 'seat', 'absence')),
    grid       text not null,
    household  uuid,
    number     text,                     -- the household's, when it opened
    seat       text,
    member     uuid,                     -- who held the seat last, or who is absent
    term_ended boolean not null,         -- whether the seat is vacant because that member's term ended
    since      date not null,            -- the first day on which it was missing
    until      date,                     -- the day on which it no longer was
    opened_at  timestamptz not null,
    closed     bigint,                   -- the place of its closing; null while it is open
    closed_at  timestamptz,
    primary key (village, opened),
    check ((closed is null) = (until is null) and (closed is null) = (closed_at is null)),
    check (until >= since)
);
select lianxin.tenant_table('gap');
create unique index gap_open on gap (village, what) where closed is null;
create unique index gap_closed on gap (village, closed) where closed is not null;
create index gap_until on gap (village, until) where until is not null;

-- How far the order of each village has come, and whether its gaps have to be looked at again.
create table gap_state (
    village  text primary key,
    position bigint not null default 0,
    changed  boolean not null default true
);
select lianxin.tenant_table('gap_state');
create index gap_state_changed on gap_state (village) where changed;

-- Whatever gaps depend on says that it changed, in the transaction that changes it, whoever writes it. The row stays locked
-- until that ends, so that the keeper never takes a mark away whose cause it cannot see yet.
create function lianxin.gaps_changed() returns trigger language plpgsql as $$
begin
    insert into gap_state as state (village)
    select distinct village from touched order by village
    on conflict (village) do update set changed = true where not state.changed;
    return null;
end $$;

do $$
declare
    source text;
begin
    foreach source in array array['household', 'link', 'team', 'grid', 'absence'] loop
        execute format('create trigger gaps_changed_by_insert after insert on %I
                        referencing new table as touched
                        for each statement execute function lianxin.gaps_changed()', source);
        execute format('create trigger gaps_changed_by_update after update on %I
                        referencing new table as touched
                        for each statement execute function lianxin.gaps_changed()', source);
    end loop;
end $$;

set local lianxin.scope = '*';
insert into gap_state (village) select distinct village from team union select distinct village from household;
