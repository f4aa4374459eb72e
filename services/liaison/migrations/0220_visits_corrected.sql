-- Visits are corrected, withdrawn, and sent again by phones that were offline. The row says how it stands now; what it
-- said before is in the change log.
alter table visit
    add column concerns  uuid[] not null default '{}',      -- casework's records, by their ids; they are not known here
    add column state     text not null default 'logged' constraint visit_state check (state in ('logged', 'withdrawn')),
    -- Who logged it (the token's subject): a newer edit under the same id is taken from nobody else. Null: from before.
    add column author    text,
    -- By the author's own clock, never later than ours: of two versions from one phone the later stands. Null: from before.
    add column edited_at timestamptz,
    add column withdrawal text not null default '';         -- why it was taken back; leaves this table as the note does
