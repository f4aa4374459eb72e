//! What a member may see and do on a day, as tokens say it: an office, and the grids it is held in by seats of one's own
//! or of those one stands in for. Whoever issues tokens asks; nothing here is decided by a token.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use platform::{Error, Result, Tx};
use proto::names::{GridCode, MemberName, MerchantName};

use super::rules::Office;
use crate::link;

/// A member's rights on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rights {
    pub(crate) member: MemberName,
    pub(crate) as_of: NaiveDate,
    /// By office, as tokens say it.
    pub(crate) grants: BTreeMap<&'static str, Held>,
    /// Whom the member serves as a representative, through their landlords.
    pub(crate) merchants: Vec<MerchantName>,
    /// The first later day on which these end, if one is known.
    pub(crate) until: Option<NaiveDate>,
}

/// The grids in which an office is held.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) grids: BTreeSet<GridCode>,
    /// Of these, the ones whose seat is another's.
    pub(crate) covered: BTreeSet<GridCode>,
}

/// A seat that a member holds, or stands in for, on the day.
#[derive(Debug, Clone, sqlx::FromRow)]
struct Row {
    office: Office,
    grid: String,
    covered: bool,
    valid_to: Option<NaiveDate>,
    term_end: Option<NaiveDate>,
}

/// The rights of a member on a day; none outside the term.
///
/// # Errors
/// [`Error::NotFound`].
pub(crate) async fn rights_get(tx: &mut Tx, name: &MemberName, day: NaiveDate) -> Result<Rights> {
    let known: bool = sqlx::query_scalar("select exists (select from member where village = $1 and id = $2)")
        .bind(name.village.as_str())
        .bind(name.member)
        .fetch_one(&mut **tx)
        .await?;
    if !known {
        return Err(Error::NotFound(name.to_string()));
    }
    // A seat that was left was held within the term there was then, which may not be the last one.
    let rows: Vec<Row> = sqlx::query_as(
        "select seat.office, seat.grid, seat.covered, seat.valid_to, term.past as term_end
           from (select village, member, office, grid, false as covered, valid_from, valid_to,
                        valid_to is not null as is_left
                   from seating
                 union all
                 select village, stand_in, stand_in_office, grid, true, valid_from, valid_to, false
                   from absence
                  where stand_in is not null) as seat
           join member on member.village = seat.village and member.id = seat.member
          cross join lateral (
                select least(member.term_end,
                             case when seat.office = 'representative' then member.represents_until end) as past
                ) as term
          where seat.village = $1 and seat.member = $2
            and seat.valid_from <= $3 and (seat.valid_to is null or $3 < seat.valid_to)
            and (seat.is_left or member.term_start <= $3 and (term.past is null or $3 < term.past))",
    )
    .bind(name.village.as_str())
    .bind(name.member)
    .bind(day)
    .fetch_all(&mut **tx)
    .await?;
    let mut rights = gather(name.clone(), day, rows)?;
    if rights.grants.contains_key(word(Office::Representative)) {
        rights.merchants = link::merchants_of(tx, name, day).await?;
    }
    Ok(rights)
}

fn gather(member: MemberName, as_of: NaiveDate, rows: Vec<Row>) -> Result<Rights> {
    let mut rights = Rights { member, as_of, grants: BTreeMap::new(), merchants: Vec::new(), until: None };
    for row in rows {
        let grid: GridCode = row.grid.parse().map_err(Error::internal)?;
        let held = rights.grants.entry(word(row.office)).or_default();
        held.grids.insert(grid);
        if row.covered {
            held.covered.insert(grid);
        }
        rights.until = [rights.until, row.valid_to, row.term_end].into_iter().flatten().min();
    }
    Ok(rights)
}

/// The word by which tokens call an office: the three kinds of leader have the same rights.
fn word(office: Office) -> &'static str {
    match office {
        Office::Cadre => platform::Office::Cadre.as_str(),
        Office::VillagerGroupLeader | Office::PartyGroupLeader | Office::GridWorker => {
            platform::Office::Leader.as_str()
        }
        Office::Representative => platform::Office::Representative.as_str(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail")]
    use super::*;

    #[test]
    fn seats_add_up_by_office_and_the_first_to_end_says_until_when() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let row = |office, grid: &str, covered, valid_to: Option<&str>| Row {
            office,
            grid: grid.into(),
            covered,
            valid_to: valid_to.map(day),
            term_end: Some(day("2028-01-01")),
        };
        let member = MemberName::new("430112011211".parse().unwrap(), uuid::Uuid::nil());
        let rows = vec![
            row(Office::GridWorker, "001", false, None),
            row(Office::PartyGroupLeader, "002", true, Some("2026-07-01")),
            row(Office::Representative, "003", false, None),
        ];
        let rights = gather(member, day("2026-06-01"), rows).unwrap();
        assert_eq!(rights.grants.keys().copied().collect::<Vec<_>>(), ["leader", "representative"]);
        assert_eq!(rights.grants["leader"].grids.len(), 2);
        assert_eq!(rights.grants["leader"].covered, ["002".parse().unwrap()].into());
        assert_eq!(rights.until, Some(day("2026-07-01")));
    }
}
