//! The registry's villages, grids, households and merchants.

use events::{News, envelope};
use platform::{Result, Tx};
use proto::names::{GridName, HouseholdName, MerchantName, VillageName};
use proto::registry::v1::{
    GridChanged, GridState, HouseholdChanged, HouseholdState, MerchantChanged, MerchantState, VillageChanged,
    VillageState,
};

use super::parsed;

pub(super) async fn villages(tx: &mut Tx, news: &[News]) -> Result<()> {
    let news: Vec<VillageChanged> = envelope::all(news)?;
    if news.is_empty() {
        return Ok(());
    }
    let names: Vec<VillageName> = parsed(news.iter().map(|village| &village.name))?;
    sqlx::query(
        "insert into village (village, display_name, archived, revision)
         select * from unnest($1::text[], $2::text[], $3::boolean[], $4::bigint[])
         on conflict (village) do update
            set display_name = excluded.display_name, archived = excluded.archived, revision = excluded.revision
          where excluded.revision > village.revision
             or excluded.revision = village.revision and village.archived is null",
    )
    .bind(names.iter().map(|VillageName(code)| code.as_str()).collect::<Vec<_>>())
    .bind(news.iter().map(|village| village.display_name.as_str()).collect::<Vec<_>>())
    .bind(news.iter().map(|village| village.state() == VillageState::Archived).collect::<Vec<_>>())
    .bind(news.iter().map(|village| village.revision).collect::<Vec<_>>())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

pub(super) async fn grids(tx: &mut Tx, news: &[News]) -> Result<()> {
    let news: Vec<GridChanged> = envelope::all(news)?;
    if news.is_empty() {
        return Ok(());
    }
    let names: Vec<GridName> = parsed(news.iter().map(|grid| &grid.name))?;
    sqlx::query(
        "insert into grid (village, code, in_use, revision)
         select * from unnest($1::text[], $2::text[], $3::boolean[], $4::bigint[])
         on conflict (village, code) do update
            set in_use = excluded.in_use, revision = excluded.revision
          where excluded.revision > grid.revision",
    )
    .bind(names.iter().map(|name| name.village.as_str()).collect::<Vec<_>>())
    .bind(names.iter().map(|name| name.grid.as_str()).collect::<Vec<_>>())
    .bind(news.iter().map(|grid| grid.state() == GridState::Active).collect::<Vec<_>>())
    .bind(news.iter().map(|grid| grid.revision).collect::<Vec<_>>())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

pub(super) async fn households(tx: &mut Tx, news: &[News]) -> Result<()> {
    let news: Vec<HouseholdChanged> = envelope::all(news)?;
    if news.is_empty() {
        return Ok(());
    }
    let names: Vec<HouseholdName> = parsed(news.iter().map(|household| &household.name))?;
    sqlx::query(
        "insert into household (village, id, active, revision)
         select * from unnest($1::text[], $2::uuid[], $3::boolean[], $4::bigint[])
         on conflict (village, id) do update
            set active = excluded.active, revision = excluded.revision
          where excluded.revision > household.revision",
    )
    .bind(names.iter().map(|name| name.village.as_str()).collect::<Vec<_>>())
    .bind(names.iter().map(|name| name.household).collect::<Vec<_>>())
    .bind(news.iter().map(|household| household.state() == HouseholdState::Active).collect::<Vec<_>>())
    .bind(news.iter().map(|household| household.revision).collect::<Vec<_>>())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

pub(super) async fn merchants(tx: &mut Tx, news: &[News]) -> Result<()> {
    let news: Vec<MerchantChanged> = envelope::all(news)?;
    if news.is_empty() {
        return Ok(());
    }
    let names: Vec<MerchantName> = parsed(news.iter().map(|merchant| &merchant.name))?;
    sqlx::query(
        "insert into merchant (village, id, open, revision)
         select * from unnest($1::text[], $2::uuid[], $3::boolean[], $4::bigint[])
         on conflict (village, id) do update
            set open = excluded.open, revision = excluded.revision
          where excluded.revision > merchant.revision",
    )
    .bind(names.iter().map(|name| name.village.as_str()).collect::<Vec<_>>())
    .bind(names.iter().map(|name| name.merchant).collect::<Vec<_>>())
    .bind(news.iter().map(|merchant| merchant.state() == MerchantState::Open).collect::<Vec<_>>())
    .bind(news.iter().map(|merchant| merchant.revision).collect::<Vec<_>>())
    .execute(&mut **tx)
    .await?;
    Ok(())
}
