-- One person has one record, whatever they serve as and are nominated for over the years.

alter table member
    -- How far somebody has come who is nominated and has served, or been nominated, before: their own state says what they
    -- are besides. Null: they are not, or they are new and `state` says it.
    add column standing text check (standing in ('nominated', 'eligible', 'endorsed', 'noticed')),
    add column standing_source text,                 -- where they come from as a representative
    -- The term as representative of somebody who serves in another office too, and longer. Null: it is the whole term.
    add column represents_from date,
    add column represents_until date,
    add constraint member_standing check ((standing is null) = (standing_source is null)),
    add constraint member_represents check (
        (represents_from is null) = (represents_until is null) and represents_from < represents_until);

create index member_represents_until on member (village, represents_until)
    where state = 'appointed' and represents_until is not null;
-- A person is looked for by the name, and told from others of that name by the telephone.
create index member_named on member (village, display_name);
