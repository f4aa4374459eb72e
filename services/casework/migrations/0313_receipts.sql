-- What a concern is known by outside, and when somebody last did something with it.

alter table concern
    -- Ten signs and more that nobody can guess, and one that tells a slip of the pen: whoever has it may ask how it goes,
    -- and is told nothing that is anybody's. Null: it came with a ledger, or before there were receipts.
    add column receipt          text,
    -- The other system it came from, and its number there. Its id is made of both, so that it is here once.
    add column source           text,
    add column source_reference text,
    -- When a person last did something with it: warnings do not count. Null: see updated_at.
    add column acted_at         timestamptz,
    add constraint concern_source check ((source is null) = (source_reference is null));

-- Whoever asks by receipt names no village.
create unique index concern_receipt on concern (receipt) where receipt is not null;
