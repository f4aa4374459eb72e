-- Proposals of common demands: which open concerns seem to be the same, until a person says so or says not.
--
-- What concerns say is compared by pairs of neighbouring characters, in memory, when somebody looks: the open concerns of one
-- matter and type, the latest first, found by the village's index of open ones. The pairs stand in no table. Kept beside each
-- concern they would be some twenty more rows, or one more wide one, for every report, and would save the least part of a look:
-- with ten thousand open concerns in the village, a look at one kind takes some twelve milliseconds, seven for finding the
-- concerns, five for comparing the latest five hundred, one of them for taking their texts apart. A table of pairs by village
-- would be slower where it matters, too: in a flood of like reports every pair leads to every concern. And households' words
-- would stand here twice, to be withheld and erased twice.
create table demand_proposal (
    village        text not null,
    id             uuid not null,
    matter         text not null,
    matter_type    text not null,
    state          text not null,
    concerns       uuid[] not null,                 -- which are alike, the earliest first; no word of theirs
    households     uuid[] not null,                 -- whose they are: another one makes it worth proposing again
    grids          text[] not null,
    likeness       integer not null,                -- of the least like one to the first, in percent
    demand         uuid,                            -- that was made of it
    reason         text not null,                   -- why it was dismissed: stays here
    decided_by     text not null,                   -- the subject of whoever took or dismissed it; empty: nobody
    decided_office text not null,
    revision       bigint not null,
    created_at     timestamptz not null,
    updated_at     timestamptz not null,
    constraint demand_proposal_pkey primary key (village, id),
    constraint demand_proposal_of_three check (cardinality(households) >= 3 and cardinality(concerns) >= 3),
    constraint demand_proposal_taken check ((state = 'taken') = (demand is not null)),
    constraint demand_proposal_dismissed check ((state = 'dismissed') = (reason <> '')),
    constraint demand_proposal_decided check ((state in ('taken', 'dismissed')) = (decided_by <> ''))
);
select lianxin.tenant_table('demand_proposal');
create index demand_proposal_by_time on demand_proposal (village, created_at desc, id desc);
