//! Counting. Each question is asked once for all villages of a place, by their codes: so the indexes, which begin with
//! the village, are entered at each village's first day of the period and left at its last.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use platform::{Error, Result, Tx};
use proto::names::VillageCode;

use super::rules::{Matter, Period, State, Tally};

type Villages = BTreeMap<VillageCode, Tally>;

fn of<'a>(tally: &'a mut Villages, village: &str) -> Result<&'a mut Tally> {
    Ok(tally.entry(village.parse().map_err(Error::internal)?).or_default())
}

/// The villages that a place has, with what people call them, and nothing counted yet.
pub(super) async fn villages_list(tx: &mut Tx, place: &str) -> Result<Villages> {
    // A colon follows the digit nine: the codes that begin with the place's lie before it.
    let rows: Vec<(String, String, bool)> = sqlx::query_as(
        "select village, display_name, coalesce(archived, false)
           from village
          where village >= $1 and village < $1 || ':'",
    )
    .bind(place)
    .fetch_all(&mut **tx)
    .await?;
    let mut tally = Villages::new();
    for (village, display_name, archived) in rows {
        let tally = of(&mut tally, &village)?;
        (tally.display_name, tally.archived) = (display_name, archived);
    }
    Ok(tally)
}

/// The codes of the villages, to be bound.
fn codes(tally: &Villages) -> Vec<String> {
    tally.keys().map(ToString::to_string).collect()
}

/// Grids in use, their teams, and who holds the representative's seat in them.
pub(super) async fn teams_count(tx: &mut Tx, tally: &mut Villages) -> Result<()> {
    let rows: Vec<(String, i64, i64, i64, i64)> = sqlx::query_as(
        "select grid.village, count(*), count(distinct team.representative), count(team.grid),
                count(*) filter (where team.complete)
           from grid
           left join team on team.village = grid.village and team.grid = grid.code
          where grid.village = any($1)
            and grid.in_use
          group by grid.village",
    )
    .bind(codes(tally))
    .fetch_all(&mut **tx)
    .await?;
    for (village, grids, representatives, teams, teams_complete) in rows {
        let tally = of(tally, &village)?;
        (tally.grids, tally.representatives) = (grids, representatives);
        (tally.teams, tally.teams_complete) = (teams, teams_complete);
    }
    Ok(())
}

/// Active households, and those of them with a link in force on `day`.
pub(super) async fn households_count(tx: &mut Tx, day: NaiveDate, tally: &mut Villages) -> Result<()> {
    // While news is out of order, a household may for a moment seem to have two links: it counts once. Each is looked up
    // by itself: a join would be planned badly as long as nobody has counted what an import has just brought.
    let rows: Vec<(String, i64, i64)> = sqlx::query_as(
        "select village, count(*),
                count(*) filter (where exists (select
                                                 from link
                                                where link.village = household.village
                                                  and link.household = household.id
                                                  and start_date <= $2 and (end_date is null or end_date > $2)))
           from household
          where village = any($1)
            and active
          group by village",
    )
    .bind(codes(tally))
    .bind(day)
    .fetch_all(&mut **tx)
    .await?;
    for (village, households, households_linked) in rows {
        let tally = of(tally, &village)?;
        (tally.households, tally.households_linked) = (households, households_linked);
    }
    Ok(())
}

/// Merchants in business.
pub(super) async fn merchants_count(tx: &mut Tx, tally: &mut Villages) -> Result<()> {
    let rows: Vec<(String, i64)> =
        sqlx::query_as("select village, count(*) from merchant where village = any($1) and open group by village")
            .bind(codes(tally))
            .fetch_all(&mut **tx)
            .await?;
    for (village, merchants) in rows {
        of(tally, &village)?.merchants = merchants;
    }
    Ok(())
}

/// Visits of the period, the persons met on them, and the households visited, each of these once.
pub(super) async fn visits_count(tx: &mut Tx, period: Period, tally: &mut Villages) -> Result<()> {
    let rows: Vec<(String, i64, i64, i64)> = sqlx::query_as(
        "select village, count(*), coalesce(sum(persons), 0), count(distinct household)
           from visit
          where village = any($1)
            and visited_on between $2 and $3
            and not withdrawn
          group by village",
    )
    .bind(codes(tally))
    .bind(period.first)
    .bind(period.last)
    .fetch_all(&mut **tx)
    .await?;
    for (village, visits, person_visits, households_visited) in rows {
        let tally = of(tally, &village)?;
        (tally.visits, tally.person_visits, tally.households_visited) = (visits, person_visits, households_visited);
    }
    Ok(())
}

type ConcernRow = (String, State, Matter, i64, i64, i64, i64, i64);

/// Concerns by the days of the period: on which they were reported, said to be solved, and called back. One concern
/// may count under all three, so each has its own condition and its own index.
pub(super) async fn concerns_count(tx: &mut Tx, period: Period, tally: &mut Villages) -> Result<()> {
    let rows: Vec<ConcernRow> = sqlx::query_as(
        "select village, state, matter,
                count(*) filter (where reported_on between $2 and $3),
                count(*) filter (where resolved_on between $2 and $3),
                count(*) filter (where followed_up_on between $2 and $3),
                count(*) filter (where followed_up_on between $2 and $3 and outcome <> 'not_reached'),
                count(*) filter (where followed_up_on between $2 and $3 and outcome = 'satisfied')
           from concern
          where village = any($1) and reported_on between $2 and $3
             or village = any($1) and resolved_on between $2 and $3
             or village = any($1) and followed_up_on between $2 and $3
          group by village, state, matter",
    )
    .bind(codes(tally))
    .bind(period.first)
    .bind(period.last)
    .fetch_all(&mut **tx)
    .await?;
    for (village, state, matter, reported, resolved, followed_up, answered, confirmed) in rows {
        let tally = of(tally, &village)?;
        if reported > 0 {
            tally.concerns_reported.insert((state, matter), reported);
        }
        tally.concerns_resolved += resolved;
        tally.concerns_followed_up += followed_up;
        tally.concerns_answered += answered;
        tally.concerns_confirmed += confirmed;
    }
    Ok(())
}

/// Common demands by the days of the period: on which they were made, and answered. What was taken apart again counts for
/// neither.
pub(super) async fn demands_count(tx: &mut Tx, period: Period, tally: &mut Villages) -> Result<()> {
    let rows: Vec<(String, i64, i64, i64)> = sqlx::query_as(
        "select village,
                count(*) filter (where opened_on between $2 and $3),
                coalesce(sum(concerns) filter (where opened_on between $2 and $3), 0),
                count(*) filter (where ended_on between $2 and $3)
           from demand
          where (village = any($1) and opened_on between $2 and $3
             or village = any($1) and ended_on between $2 and $3)
            and state <> 'dissolved'
          group by village",
    )
    .bind(codes(tally))
    .bind(period.first)
    .bind(period.last)
    .fetch_all(&mut **tx)
    .await?;
    for (village, opened, concerns, answered) in rows {
        let tally = of(tally, &village)?;
        (tally.demands_opened, tally.concerns_in_demands, tally.demands_answered) = (opened, concerns, answered);
    }
    Ok(())
}
