//! Casework's concerns and common demands.

use chrono::NaiveDate;
use events::{News, envelope};
use platform::{Error, Result, Tx};
use proto::casework::v1::{ConcernChanged, DemandChanged};
use proto::names::{ConcernName, DemandName};

use super::{day, parsed, required_day};
use crate::figures::{DemandState, Matter, Outcome, State};

pub(super) async fn concerns(tx: &mut Tx, news: &[News]) -> Result<()> {
    let news: Vec<ConcernChanged> = envelope::all(news)?;
    if news.is_empty() {
        return Ok(());
    }
    let names: Vec<ConcernName> = parsed(news.iter().map(|concern| &concern.name))?;
    let matters: Vec<&str> =
        news.iter().map(|concern| said(Matter::read(concern.matter)).map(Matter::as_str)).collect::<Result<_>>()?;
    let states: Vec<&str> =
        news.iter().map(|concern| said(State::read(concern.state)).map(State::as_str)).collect::<Result<_>>()?;
    let outcomes: Vec<Option<&str>> = news
        .iter()
        .map(|concern| Outcome::read(concern.follow_up_outcome).map(|outcome| outcome.map(Outcome::as_str)))
        .collect::<Result<_, _>>()
        .map_err(Error::internal)?;
    let reported: Vec<NaiveDate> =
        news.iter().map(|concern| required_day(concern.reported_on.as_ref())).collect::<Result<_>>()?;
    let resolved: Vec<Option<NaiveDate>> =
        news.iter().map(|concern| day(concern.resolved_on.as_ref())).collect::<Result<_>>()?;
    let followed_up: Vec<Option<NaiveDate>> =
        news.iter().map(|concern| day(concern.followed_up_on.as_ref())).collect::<Result<_>>()?;
    sqlx::query(
        "insert into concern (village, id, matter, state, reported_on, resolved_on, followed_up_on, outcome, revision)
         select * from unnest($1::text[], $2::uuid[], $3::text[], $4::text[], $5::date[], $6::date[], $7::date[],
                              $8::text[], $9::bigint[])
         on conflict (village, id) do update
            set matter = excluded.matter, state = excluded.state, reported_on = excluded.reported_on,
                resolved_on = excluded.resolved_on, followed_up_on = excluded.followed_up_on,
                outcome = excluded.outcome, revision = excluded.revision
          where excluded.revision > concern.revision",
    )
    .bind(names.iter().map(|name| name.village.as_str()).collect::<Vec<_>>())
    .bind(names.iter().map(|name| name.concern).collect::<Vec<_>>())
    .bind(matters)
    .bind(states)
    .bind(reported)
    .bind(resolved)
    .bind(followed_up)
    .bind(outcomes)
    .bind(news.iter().map(|concern| concern.revision).collect::<Vec<_>>())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

pub(super) async fn demands(tx: &mut Tx, news: &[News]) -> Result<()> {
    let news: Vec<DemandChanged> = envelope::all(news)?;
    if news.is_empty() {
        return Ok(());
    }
    let names: Vec<DemandName> = parsed(news.iter().map(|demand| &demand.name))?;
    let states: Vec<&str> = news
        .iter()
        .map(|demand| said(DemandState::read(demand.state)).map(DemandState::as_str))
        .collect::<Result<_>>()?;
    let opened: Vec<NaiveDate> =
        news.iter().map(|demand| required_day(demand.opened_on.as_ref())).collect::<Result<_>>()?;
    let ended: Vec<Option<NaiveDate>> =
        news.iter().map(|demand| day(demand.ended_on.as_ref())).collect::<Result<_>>()?;
    sqlx::query(
        "insert into demand (village, id, state, concerns, opened_on, ended_on, revision)
         select * from unnest($1::text[], $2::uuid[], $3::text[], $4::integer[], $5::date[], $6::date[], $7::bigint[])
         on conflict (village, id) do update
            set state = excluded.state, concerns = excluded.concerns, opened_on = excluded.opened_on,
                ended_on = excluded.ended_on, revision = excluded.revision
          where excluded.revision > demand.revision",
    )
    .bind(names.iter().map(|name| name.village.as_str()).collect::<Vec<_>>())
    .bind(names.iter().map(|name| name.demand).collect::<Vec<_>>())
    .bind(states)
    .bind(news.iter().map(|demand| demand.concern_count).collect::<Vec<_>>())
    .bind(opened)
    .bind(ended)
    .bind(news.iter().map(|demand| demand.revision).collect::<Vec<_>>())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// A value that news has to tell. A value that this version does not know makes the news a dead letter, to be retried
/// by the version that does.
fn said<T>(value: Result<Option<T>, &'static str>) -> Result<T> {
    value.map_err(Error::internal)?.ok_or_else(|| Error::internal("news without its matter or state"))
}
