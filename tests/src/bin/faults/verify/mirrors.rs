//! Who knows what of whose records: what an owner has and what a reader knows, each as rows of (name, content), to be
//! compared word for word. The revision is part of the content.

/// A noun that one service owns and another knows.
pub(crate) struct Mirror {
    /// What it is.
    pub(crate) noun: &'static str,
    /// Whose.
    pub(crate) owner: &'static str,
    /// What the owner has.
    pub(crate) owned: &'static str,
    /// Who reads of it.
    pub(crate) reader: &'static str,
    /// What the reader knows.
    pub(crate) known: &'static str,
}

macro_rules! mirrors {
    ($($noun:literal: $owner:literal $owned:literal, $reader:literal $known:literal;)+) => {
        /// Every projection there is.
        pub(crate) const MIRRORS: &[Mirror] =
            &[$(Mirror { noun: $noun, owner: $owner, owned: $owned, reader: $reader, known: $known }),+];
    };
}

mirrors! {
    "grid":
        "registry" "select village || '/' || code, (kind, line, state = 'retired', revision)::text from grid",
        "liaison" "select village || '/' || code, (kind, line, retired, revision)::text from grid";
    "household":
        "registry" "select village || '/' || id, (number, grid, kind, outside, state, active_since, revision)::text from household",
        "liaison" "select village || '/' || id, (number, grid, kind, outside, state, active_since, revision)::text from household";
    "grid":
        "registry" "select village || '/' || code, (state <> 'retired', revision)::text from grid",
        "casework" "select village || '/' || code, (in_use, revision)::text from grid";
    "household":
        "registry" "select village || '/' || id, (number, grid, state = 'active', revision)::text from household",
        "casework" "select village || '/' || id, (number, grid, active, revision)::text from household";
    "team":
        "liaison" "select village || '/' || grid, (cadre, leader, representative, revision)::text from team",
        "casework" "select village || '/' || grid, (cadre, leader, representative, revision)::text from team";
    "village":
        "registry" "select village, (display_name, revision)::text from village",
        "reporting" "select village, (display_name, revision)::text from village";
    "grid":
        "registry" "select village || '/' || code, (state = 'active', revision)::text from grid",
        "reporting" "select village || '/' || code, (in_use, revision)::text from grid";
    "household":
        "registry" "select village || '/' || id, (state = 'active', revision)::text from household",
        "reporting" "select village || '/' || id, (active, revision)::text from household";
    "merchant":
        "registry" "select village || '/' || id, (state = 'open', revision)::text from merchant",
        "reporting" "select village || '/' || id, (open, revision)::text from merchant";
    "team":
        "liaison" "select village || '/' || grid, (representative, num_nulls(cadre, leader, representative) = 0, revision)::text from team",
        "reporting" "select village || '/' || grid, (representative, complete, revision)::text from team";
    "link":
        "liaison" "select village || '/' || id, (household, valid_from, valid_to, revision)::text from link",
        "reporting" "select village || '/' || id, (household, start_date, end_date, revision)::text from link";
    "visit":
        "liaison" "select village || '/' || id, (household, visited_on, persons, revision)::text from visit",
        "reporting" "select village || '/' || id, (household, visited_on, persons, revision)::text from visit";
    "concern":
        "casework" "select village || '/' || id, (matter, state, reported_on, resolved_on, followed_up_on, outcome, revision)::text from concern",
        "reporting" "select village || '/' || id, (matter, state, reported_on, resolved_on, followed_up_on, outcome, revision)::text from concern";
    "demand":
        "casework" "select village || '/' || id, (state, concerns, opened_on, ended_on, revision)::text from demand",
        "reporting" "select village || '/' || id, (state, concerns, opened_on, ended_on, revision)::text from demand";
}

/// Every record of an owner as (resource name, what its history in the change log has to be).
pub(crate) const RECORDS: &[(&str, &str)] = &[
    (
        "registry",
        "with record (village, rest, revision) as (
             select village, '', revision from village
             union all select village, '/areas/' || code, revision from area
             union all select village, '/villagerGroups/' || code, revision from villager_group
             union all select village, '/partyGroups/' || code, revision from party_group
             union all select village, '/grids/' || code, revision from grid
             union all select village, '/households/' || id, revision from household
             union all select village, '/households/' || household || '/residents/' || id, revision from resident
             union all select village, '/merchants/' || id, revision from merchant
         )
         select 'villages/' || village || rest, format('%s of %1$s, from 1', revision) from record",
    ),
    (
        "liaison",
        "with record (village, rest, revision) as (
             select village, '/members/' || id, revision from member
             union all select village, '/lines/' || kind, revision from line
             union all select village, '/teams/' || grid, revision from team
             union all select village, '/links/' || id, revision from link
             union all select village, '/visits/' || id, revision from visit
         )
         select 'villages/' || village || rest, format('%s of %1$s, from 1', revision) from record",
    ),
    (
        "casework",
        "select 'villages/' || village || '/concerns/' || id, format('%s of %1$s, from 1', revision) from concern",
    ),
];
