//! Grids in the database.

use chrono::{DateTime, Utc};
use platform::{Error, OnConstraint, Page, Result, Tx};
use proto::names::{GridName, VillageCode};

use super::rules::{Facts, Filter, Grid, Kind, Line, State};

#[derive(sqlx::FromRow)]
struct Row {
    code: String,
    display_name: String,
    area: String,
    kind: Kind,
    line: Option<Line>,
    state: State,
    revision: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl Row {
    fn read(self, village: &VillageCode) -> Result<Grid> {
        Ok(Grid {
            name: GridName::new(*village, self.code.parse().map_err(Error::internal)?),
            facts: Facts {
                display_name: self.display_name,
                area: self.area.parse().map_err(Error::internal)?,
                kind: self.kind,
                line: self.line,
            },
            state: self.state,
            revision: self.revision,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }
}

/// One grid; `for_update` keeps others from changing it until this transaction ends.
pub(crate) async fn grid_get(tx: &mut Tx, name: &GridName, for_update: bool) -> Result<Grid> {
    grid_find(tx, name, for_update).await?.ok_or_else(|| Error::NotFound(name.to_string()))
}

/// The grid of this name, if there is one.
pub(crate) async fn grid_find(tx: &mut Tx, name: &GridName, for_update: bool) -> Result<Option<Grid>> {
    let row: Option<Row> = sqlx::query_as(if for_update {
        "select code, display_name, area, kind, line, state, revision, created_at, updated_at
           from grid where village = $1 and code = $2 for update"
    } else {
        "select code, display_name, area, kind, line, state, revision, created_at, updated_at
           from grid where village = $1 and code = $2"
    })
    .bind(name.village.as_str())
    .bind(name.grid.as_str())
    .fetch_optional(&mut **tx)
    .await?;
    row.map(|row| row.read(&name.village)).transpose()
}

pub(crate) async fn grid_list(tx: &mut Tx, village: &VillageCode, filter: &Filter, page: &Page) -> Result<Vec<Grid>> {
    let rows: Vec<Row> = sqlx::query_as(
        "select code, display_name, area, kind, line, state, revision, created_at, updated_at
           from grid
          where village = $1
            and code > $2
            and ($3::text is null or area = $3)
            and ($4::text is null or kind = $4)
            and ($5::text is null or state = $5)
          order by code
          limit $6",
    )
    .bind(village.as_str())
    .bind(page.after_text())
    .bind(filter.area.as_ref().map(|area| area.as_str()))
    .bind(filter.kind)
    .bind(filter.state)
    .bind(page.limit())
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter().map(|row| row.read(village)).collect()
}

/// All grids of a village: at most a thousand, by their numbers.
pub(crate) async fn grid_all(tx: &mut Tx, village: &VillageCode) -> Result<Vec<Grid>> {
    let rows: Vec<Row> = sqlx::query_as(
        "select code, display_name, area, kind, line, state, revision, created_at, updated_at
           from grid where village = $1",
    )
    .bind(village.as_str())
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter().map(|row| row.read(village)).collect()
}

/// Writes new ones and next versions, and answers how many: fewer than given if somebody was faster.
pub(crate) async fn grid_save(tx: &mut Tx, village: &VillageCode, grids: &[Grid]) -> Result<usize> {
    let done = sqlx::query(
        "insert into grid as known
                (village, code, display_name, area, kind, line, state, revision, created_at, updated_at)
         select $1, * from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
                                  $8::bigint[], $9::timestamptz[], $10::timestamptz[])
         on conflict (village, code) do update
            set display_name = excluded.display_name, area = excluded.area, kind = excluded.kind, line = excluded.line,
                state = excluded.state, revision = excluded.revision, updated_at = excluded.updated_at
          where known.revision = excluded.revision - 1",
    )
    .bind(village.as_str())
    .bind(grids.iter().map(|grid| grid.name.grid.as_str()).collect::<Vec<_>>())
    .bind(grids.iter().map(|grid| grid.facts.display_name.as_str()).collect::<Vec<_>>())
    .bind(grids.iter().map(|grid| grid.facts.area.as_str()).collect::<Vec<_>>())
    .bind(grids.iter().map(|grid| grid.facts.kind.as_str()).collect::<Vec<_>>())
    .bind(grids.iter().map(|grid| grid.facts.line.map(Line::as_str)).collect::<Vec<_>>())
    .bind(grids.iter().map(|grid| grid.state.as_str()).collect::<Vec<_>>())
    .bind(grids.iter().map(|grid| grid.revision).collect::<Vec<_>>())
    .bind(grids.iter().map(|grid| grid.created_at).collect::<Vec<_>>())
    .bind(grids.iter().map(|grid| grid.updated_at).collect::<Vec<_>>())
    .execute(&mut **tx)
    .await
    .on_constraint("grid_area", || Error::field("grid.area", "there is no such area"))?;
    Ok(usize::try_from(done.rows_affected()).unwrap_or(usize::MAX))
}
