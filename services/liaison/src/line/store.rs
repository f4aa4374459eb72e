//! Lines in the database.

use chrono::{DateTime, Utc};
use platform::{Error, Result, Tx};
use proto::names::{LineName, VillageCode};

use super::rules::{Line, LineKind};
use crate::member::rules::Office;
use crate::member::store::offices;
use crate::places::HouseholdKind;

#[derive(sqlx::FromRow)]
struct Row {
    village: String,
    kind: LineKind,
    display_name: String,
    leader_offices: Vec<String>,
    household_kinds: Vec<String>,
    merchants_through_landlord: bool,
    revision: i64,
    created_at: DateTime<Utc>,
    updated_at: DateTime<Utc>,
}

impl TryFrom<Row> for Line {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let kind = |word: &String| {
            HouseholdKind::from_word(word).ok_or_else(|| Error::internal(format!("{word} is no kind of household")))
        };
        Ok(Self {
            village: row.village.parse().map_err(Error::internal)?,
            kind: row.kind,
            display_name: row.display_name,
            leader_offices: offices(&row.leader_offices)?,
            household_kinds: row.household_kinds.iter().map(kind).collect::<Result<_>>()?,
            merchants_through_landlord: row.merchants_through_landlord,
            revision: row.revision,
            created_at: row.created_at,
            updated_at: row.updated_at,
        })
    }
}

pub(crate) async fn line_get(tx: &mut Tx, name: &LineName) -> Result<Line> {
    super::rules::of(&lines_of(tx, &name.village, false).await?, name)
}

/// Both lines of a village, line one first; `for_update` keeps others from changing them until this transaction ends.
pub(crate) async fn lines_of(tx: &mut Tx, village: &VillageCode, for_update: bool) -> Result<Vec<Line>> {
    let rows: Vec<Row> = sqlx::query_as(if for_update {
        "select village, kind, display_name, leader_offices, household_kinds, merchants_through_landlord, revision,
                created_at, updated_at
           from line
          where village = $1
          order by kind desc
            for update"
    } else {
        "select village, kind, display_name, leader_offices, household_kinds, merchants_through_landlord, revision,
                created_at, updated_at
           from line
          where village = $1
          order by kind desc"
    })
    .bind(village.as_str())
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// Makes those of these lines that do not exist, and answers which they are.
pub(crate) async fn lines_insert(tx: &mut Tx, lines: &[Line]) -> Result<Vec<Line>> {
    let rows: Vec<Row> = sqlx::query_as(
        "insert into line (village, kind, display_name, leader_offices, household_kinds, merchants_through_landlord,
                           revision, created_at, updated_at)
         select village, kind, display_name, string_to_array(leader_offices, ','), string_to_array(household_kinds, ','),
                merchants_through_landlord, 1, created_at, created_at
           from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::boolean[], $7::timestamptz[])
                as new (village, kind, display_name, leader_offices, household_kinds, merchants_through_landlord,
                        created_at)
         on conflict (village, kind) do nothing
         returning village, kind, display_name, leader_offices, household_kinds, merchants_through_landlord, revision,
                   created_at, updated_at",
    )
    .bind(lines.iter().map(|line| line.village.to_string()).collect::<Vec<_>>())
    .bind(lines.iter().map(|line| line.kind.as_str()).collect::<Vec<_>>())
    .bind(lines.iter().map(|line| line.display_name.as_str()).collect::<Vec<_>>())
    .bind(lines.iter().map(|line| words(line.leader_offices.iter().map(|office| office.as_str()))).collect::<Vec<_>>())
    .bind(lines.iter().map(|line| words(line.household_kinds.iter().map(|kind| kind.as_str()))).collect::<Vec<_>>())
    .bind(lines.iter().map(|line| line.merchants_through_landlord).collect::<Vec<_>>())
    .bind(lines.iter().map(|line| line.created_at).collect::<Vec<_>>())
    .fetch_all(&mut **tx)
    .await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

fn words<'w>(words: impl Iterator<Item = &'w str>) -> String {
    words.collect::<Vec<_>>().join(",")
}

pub(crate) async fn line_update(tx: &mut Tx, line: &Line) -> Result<()> {
    sqlx::query(
        "update line
            set display_name = $3, leader_offices = $4, household_kinds = $5, merchants_through_landlord = $6,
                revision = $7, updated_at = $8
          where village = $1 and kind = $2",
    )
    .bind(line.village.as_str())
    .bind(line.kind)
    .bind(&line.display_name)
    .bind(line.leader_offices.iter().copied().map(Office::as_str).collect::<Vec<_>>())
    .bind(line.household_kinds.iter().copied().map(HouseholdKind::as_str).collect::<Vec<_>>())
    .bind(line.merchants_through_landlord)
    .bind(line.revision)
    .bind(line.updated_at)
    .execute(&mut **tx)
    .await?;
    Ok(())
}
