-- A proposal may be to put concerns into a demand that is open already: then one of them is enough. And whoever takes a part of
-- a proposal takes that part of it: the concerns of one that was taken are those with which it was, and may be two.

alter table demand_proposal
    add column joins uuid,                          -- the open demand that they would join; null: one would be made of them
    drop constraint demand_proposal_of_three,
    add constraint demand_proposal_of_three
        check (joins is not null or state = 'taken' or cardinality(households) >= 3 and cardinality(concerns) >= 3),
    add constraint demand_proposal_of_some check (cardinality(concerns) > 0);
