-- A deliberation is about concerns, or about a common demand as a whole: then the concerns of the demand stay merged, and the
-- decision leads back to the demand.

alter table deliberation
    add column demand uuid,
    drop constraint deliberation_about,
    add constraint deliberation_about check ((cardinality(concerns) > 0) <> (demand is not null));

-- The deliberation that a demand is before; null as soon as it is decided.
alter table demand add column deliberation uuid;
