//! Liaison's teams, links and visits.

use chrono::NaiveDate;
use events::{News, envelope};
use platform::{Error, Result, Tx};
use proto::liaison::v1::{LinkChanged, TeamChanged, VisitChanged, VisitState};
use proto::names::{HouseholdName, LinkName, MemberName, TeamName, VisitName};
use uuid::Uuid;

use super::{day, parsed, required_day};

pub(super) async fn teams(tx: &mut Tx, news: &[News]) -> Result<()> {
    let news: Vec<TeamChanged> = envelope::all(news)?;
    if news.is_empty() {
        return Ok(());
    }
    let names: Vec<TeamName> = parsed(news.iter().map(|team| &team.name))?;
    let representatives: Vec<Option<Uuid>> = news
        .iter()
        .map(|team| team.representative.as_ref().map(|holder| holder.member.parse()).transpose())
        .map(|name| name.map(|name| name.map(|name: MemberName| name.member)).map_err(Error::internal))
        .collect::<Result<_>>()?;
    sqlx::query(
        "insert into team (village, grid, representative, complete, revision)
         select * from unnest($1::text[], $2::text[], $3::uuid[], $4::boolean[], $5::bigint[])
         on conflict (village, grid) do update
            set representative = excluded.representative, complete = excluded.complete, revision = excluded.revision
          where excluded.revision > team.revision",
    )
    .bind(names.iter().map(|name| name.village.as_str()).collect::<Vec<_>>())
    .bind(names.iter().map(|name| name.grid.as_str()).collect::<Vec<_>>())
    .bind(representatives)
    .bind(news.iter().map(|team| team.complete).collect::<Vec<_>>())
    .bind(news.iter().map(|team| team.revision).collect::<Vec<_>>())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

pub(super) async fn links(tx: &mut Tx, news: &[News]) -> Result<()> {
    let news: Vec<LinkChanged> = envelope::all(news)?;
    if news.is_empty() {
        return Ok(());
    }
    let names: Vec<LinkName> = parsed(news.iter().map(|link| &link.name))?;
    let households: Vec<HouseholdName> = parsed(news.iter().map(|link| &link.household))?;
    let starts: Vec<NaiveDate> =
        news.iter().map(|link| required_day(link.start_date.as_ref())).collect::<Result<_>>()?;
    let ends: Vec<Option<NaiveDate>> = news.iter().map(|link| day(link.end_date.as_ref())).collect::<Result<_>>()?;
    sqlx::query(
        "insert into link (village, id, household, start_date, end_date, revision)
         select * from unnest($1::text[], $2::uuid[], $3::uuid[], $4::date[], $5::date[], $6::bigint[])
         on conflict (village, id) do update
            set household = excluded.household, start_date = excluded.start_date, end_date = excluded.end_date,
                revision = excluded.revision
          where excluded.revision > link.revision",
    )
    .bind(names.iter().map(|name| name.village.as_str()).collect::<Vec<_>>())
    .bind(names.iter().map(|name| name.link).collect::<Vec<_>>())
    .bind(households.iter().map(|name| name.household).collect::<Vec<_>>())
    .bind(starts)
    .bind(ends)
    .bind(news.iter().map(|link| link.revision).collect::<Vec<_>>())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

pub(super) async fn visits(tx: &mut Tx, news: &[News]) -> Result<()> {
    let news: Vec<VisitChanged> = envelope::all(news)?;
    if news.is_empty() {
        return Ok(());
    }
    let names: Vec<VisitName> = parsed(news.iter().map(|visit| &visit.name))?;
    let households: Vec<Option<Uuid>> = news
        .iter()
        .map(|visit| Some(&visit.household).filter(|name| !name.is_empty()).map(|name| name.parse()).transpose())
        .map(|name| name.map(|name| name.map(|name: HouseholdName| name.household)).map_err(Error::internal))
        .collect::<Result<_>>()?;
    let days: Vec<NaiveDate> =
        news.iter().map(|visit| required_day(visit.visited_on.as_ref())).collect::<Result<_>>()?;
    sqlx::query(
        "insert into visit (village, id, household, visited_on, persons, revision, withdrawn)
         select * from unnest($1::text[], $2::uuid[], $3::uuid[], $4::date[], $5::integer[], $6::bigint[], $7::boolean[])
         on conflict (village, id) do update
            set household = excluded.household, visited_on = excluded.visited_on, persons = excluded.persons,
                revision = excluded.revision, withdrawn = excluded.withdrawn
          where excluded.revision > visit.revision",
    )
    .bind(names.iter().map(|name| name.village.as_str()).collect::<Vec<_>>())
    .bind(names.iter().map(|name| name.visit).collect::<Vec<_>>())
    .bind(households)
    .bind(days)
    .bind(news.iter().map(|visit| visit.persons).collect::<Vec<_>>())
    .bind(news.iter().map(|visit| visit.revision).collect::<Vec<_>>())
    .bind(news.iter().map(|visit| visit.state() == VisitState::Withdrawn).collect::<Vec<_>>())
    .execute(&mut **tx)
    .await?;
    Ok(())
}
