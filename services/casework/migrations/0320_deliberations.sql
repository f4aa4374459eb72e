-- Deliberations: how a village decides together. Whatever the rules in the code say about votes, the tables say too, so that
-- there is no decision and no notice without them whoever writes: a vote's quorum and majority are columns that the database
-- reckons from the counts, sittings are never changed, and two triggers look at them.

-- The deliberation that a concern is before; null as soon as it is decided, and where only a ledger says that there is one.
alter table concern add column deliberation uuid;

create table deliberation (
    village            text not null,
    id                 uuid not null,
    title              text not null,
    proposal           text not null,              -- free text: stays here
    subject            text not null,
    expense_yuan       bigint not null,
    large_expense_yuan bigint not null,            -- what was a large expense on the day it was opened
    way                text not null,
    concerns           uuid[] not null,
    state              text not null,
    resolution         text not null,              -- free text: stays here until it is published
    decided_on         date,
    noticed_on         date,
    notice_until       date,                       -- the first day on which the notice no longer runs
    result_on          date,
    objections         integer not null,
    revision           bigint not null,
    created_at         timestamptz not null,
    updated_at         timestamptz not null,
    constraint deliberation_pkey primary key (village, id),
    constraint deliberation_about check (cardinality(concerns) > 0),
    constraint deliberation_way check (
        way = 'long_way'
        or (way = 'two_committees' and subject = 'general' and expense_yuan < large_expense_yuan)),
    constraint deliberation_decided check ((decided_on is null) = (resolution = '')),
    constraint deliberation_open check (state <> 'open' or decided_on is null),
    constraint deliberation_over check (state in ('open', 'withdrawn') or decided_on is not null),
    constraint deliberation_noticed check (
        (noticed_on is not null) = (state in ('noticed', 'in_force', 'set_aside', 'completed'))
        and (noticed_on is null) = (notice_until is null)),
    constraint deliberation_result check ((result_on is not null) = (state = 'completed'))
);
select lianxin.tenant_table('deliberation');
create index deliberation_by_time on deliberation (village, created_at desc, id desc);
create index deliberation_by_notice on deliberation (village, noticed_on desc, id desc) where noticed_on is not null;

-- Sittings and their votes. Fractions are compared as products of whole numbers.
create table vote (
    village         text not null,
    deliberation    uuid not null,
    place           integer not null,              -- from 1
    step            text not null,
    held_on         date not null,
    due             integer not null,
    present         integer not null,
    favour          integer not null,
    against         integer not null,
    abstaining      integer not null,
    due_members     uuid[] not null,               -- empty: only their number is known
    present_members uuid[] not null,
    proposal        text not null,                 -- free text: stays here
    minutes         text not null,                 -- free text: stays here
    quorate         boolean not null generated always as (
        case step when 'branch' then present::bigint * 2 > due
                  when 'committees' then present::bigint * 2 > due
                  else present::bigint * 3 >= due::bigint * 2 end) stored,
    carried         boolean not null generated always as (
        case step when 'branch' then present::bigint * 2 > due
                  when 'committees' then present::bigint * 2 > due
                  else present::bigint * 3 >= due::bigint * 2 end
        and favour::bigint * 2 > present) stored,
    primary key (village, deliberation, place),
    constraint vote_deliberation foreign key (village, deliberation) references deliberation (village, id) on delete cascade,
    constraint vote_step check (step in ('branch', 'committees', 'party_meeting', 'assembly')),
    constraint vote_counts check (
        due > 0 and present between 0 and due and favour >= 0 and against >= 0 and abstaining >= 0
        and favour + against + abstaining = present),
    constraint vote_members check (
        cardinality(due_members) = 0 and cardinality(present_members) = 0
        or cardinality(due_members) = due and cardinality(present_members) = present
           and present_members <@ due_members)
);
select lianxin.tenant_table('vote');
revoke update, delete on vote from lianxin_service;
-- A step that has carried it is over.
create unique index vote_carried_once on vote (village, deliberation, step) where carried;

-- Everything that was done with a deliberation: one row for each revision of it, written with it, never changed.
create table deliberation_move (
    village      text not null,
    deliberation uuid not null,
    revision     bigint not null,
    kind         text not null,
    actor        text not null,
    office       text not null,
    moved_at     timestamptz not null,
    note         text not null,                    -- free text: stays here
    primary key (village, deliberation, revision)
);
select lianxin.tenant_table('deliberation_move');
revoke update, delete on deliberation_move from lianxin_service;

-- What everybody may read, and nothing else: its texts were looked through before they came here.
create table notice (
    village               text not null,
    deliberation          uuid not null,
    title                 text not null,
    text                  text not null,
    contact               text not null,
    names_excepted        integer not null,        -- names that were found and are none, or may be told; why is in the move
    result                text,
    result_names_excepted integer,
    primary key (village, deliberation),
    constraint notice_deliberation foreign key (village, deliberation) references deliberation (village, id) on delete cascade,
    constraint notice_result check ((result is null) = (result_names_excepted is null))
);
select lianxin.tenant_table('notice');

-- What a village has laid down. A village without a row goes by what the service knows.
create table deliberation_policy (
    village            text primary key,
    large_expense_yuan bigint not null check (large_expense_yuan > 0),
    notice_days        integer not null check (notice_days between 3 and 60),
    contact            text not null,
    revision           bigint not null,
    updated_at         timestamptz not null,
    updated_by         text not null
);
select lianxin.tenant_table('deliberation_policy');

-- Nothing is adopted, and so nothing is made public, unless every step of its way has carried it.
create function adopted_by_votes() returns trigger language plpgsql as $$
begin
    if (select count(*)
          from vote
         where vote.village = new.village
           and vote.deliberation = new.id
           and vote.carried
           and (new.way = 'long_way' or vote.step = 'committees'))
       < (case new.way when 'long_way' then 4 else 1 end) then
        raise exception 'a deliberation is adopted by votes' using errcode = 'check_violation', constraint = 'adopted_by_votes';
    end if;
    return new;
end $$;
create trigger adopted_by_votes before insert or update on deliberation for each row
    when (new.state in ('adopted', 'noticed', 'in_force', 'set_aside', 'completed'))
    execute function adopted_by_votes();

create function noticed_when_adopted() returns trigger language plpgsql as $$
begin
    if not exists (select
                     from deliberation
                    where deliberation.village = new.village
                      and deliberation.id = new.deliberation
                      and deliberation.state in ('noticed', 'in_force', 'set_aside', 'completed')) then
        raise exception 'what was not adopted is not made public'
            using errcode = 'check_violation', constraint = 'noticed_when_adopted';
    end if;
    return new;
end $$;
create trigger noticed_when_adopted before insert or update on notice for each row execute function noticed_when_adopted();
