//! The search in the database. Each statement names the village first, whose index leads to its rows; of what is looked
//! for only what is said is in the statement, so that one plan is right for all who ask the same.

use platform::{Error, Result, Tx};
use proto::names::VillageCode;
use proto::registry::v1::MatchedField;
use sqlx::{Postgres, QueryBuilder};
use uuid::Uuid;

use super::initials::initials;
use super::rules::{Candidate, Match, Name, Sealed, Search};

/// Names whose initials are worked out at once.
const FILL: i64 = 2000;

#[derive(sqlx::FromRow)]
struct Row {
    number: String,
    fields: Vec<String>,
    residents: Vec<Option<Uuid>>,
    address_sealed: Option<Vec<u8>>,
    current_address_sealed: Option<Vec<u8>>,
}

/// The households that are looked for, as far as the database can tell, after this number.
pub(crate) async fn search_rows(
    tx: &mut Tx,
    village: &VillageCode,
    search: &Search,
    sealed: &Sealed,
    grids: Option<&[String]>,
    after: &str,
    limit: i64,
) -> Result<Vec<Candidate>> {
    let mut query = QueryBuilder::<Postgres>::new("");
    let asked = people(&mut query, village, search, sealed);
    if asked > 0 {
        query.push(
            "select h.number, m.fields, m.residents, h.address_sealed, h.current_address_sealed
               from (select household, array_agg(field) as fields, array_agg(resident) as residents
                       from matched group by household having count(distinct field) = ",
        );
        query.push_bind(asked).push(") as m join household h on h.village = ").push_bind(village.as_str());
        query.push(" and h.id = m.household where true");
    } else {
        query.push(
            "select h.number, '{}'::text[] as fields, '{}'::uuid[] as residents,
                    h.address_sealed, h.current_address_sealed
               from household h where h.village = ",
        );
        query.push_bind(village.as_str());
    }
    query.push(" and h.number > ").push_bind(after);
    if let Some(grids) = grids {
        query.push(" and h.grid = any(").push_bind(grids).push(")");
    }
    if let Some(grid) = &search.grid {
        query.push(" and h.grid = ").push_bind(grid.as_str());
    }
    if let Some(number) = &search.number {
        query.push(" and h.number = ").push_bind(number);
    }
    if let Some(kind) = search.kind {
        query.push(" and h.kind = ").push_bind(kind);
    }
    if let Some(state) = search.state {
        query.push(" and h.state = ").push_bind(state);
    }
    if let Some(tag) = &search.tag {
        query.push(" and ").push_bind(tag).push(" = any(h.tags)");
    }
    if let Some(day) = search.verified_before {
        query.push(" and (h.verified_on < ").push_bind(day).push(" or h.verified_on is null)");
    }
    if let Some(day) = search.verified_since {
        query.push(" and h.verified_on >= ").push_bind(day);
    }
    query.push(" order by h.number limit ").push_bind(limit);
    let rows: Vec<Row> = query.build_query_as().fetch_all(&mut **tx).await?;
    rows.into_iter().map(TryInto::try_into).collect()
}

/// Begins the statement with `matched`: who has the name and the numbers that are looked for. Answers of how many.
fn people(query: &mut QueryBuilder<Postgres>, village: &VillageCode, search: &Search, sealed: &Sealed) -> i64 {
    let mut asked = 0;
    let mut begin = |query: &mut QueryBuilder<Postgres>| {
        query.push(if asked == 0 { "with matched (household, resident, field) as (" } else { " union all " });
        asked += 1;
    };
    if let Some(name) = &search.name {
        let (head, resident, pattern) = match name {
            Name::Written(pattern) => ("head_name", "display_name", pattern),
            Name::Initials(pattern) => ("head_initials", "initials", pattern),
        };
        begin(query);
        query.push("select id, null::uuid, 'name' from household where village = ").push_bind(village.as_str());
        query.push(" and ").push(head).push(" like ").push_bind(pattern);
        query.push(" union all select household, id, 'name' from resident where village = ");
        query.push_bind(village.as_str()).push(" and ").push(resident).push(" like ").push_bind(pattern);
    }
    if let Some(index) = &sealed.telephone {
        begin(query);
        query.push("select id, null::uuid, 'telephone' from household where village = ").push_bind(village.as_str());
        query.push(" and telephone_index = ").push_bind(index);
        query.push(" union all select household, id, 'telephone' from resident where village = ");
        query.push_bind(village.as_str()).push(" and telephone_index = ").push_bind(index);
    }
    if let Some(index) = &sealed.citizen_id {
        begin(query);
        query.push("select household, resident, 'citizen_id' from citizen where village = ");
        query.push_bind(village.as_str()).push(" and citizen_id_index = ").push_bind(index);
    }
    if asked > 0 {
        query.push(") ");
    }
    asked
}

impl TryFrom<Row> for Candidate {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let matches = row.fields.iter().zip(row.residents).map(|(field, resident)| {
            let field = match field.as_str() {
                "name" => MatchedField::Name,
                "telephone" => MatchedField::Telephone,
                "citizen_id" => MatchedField::CitizenId,
                other => return Err(Error::internal(format!("a search has found {other}"))),
            };
            Ok(Match { field, resident })
        });
        Ok(Self {
            matches: matches.collect::<Result<_>>()?,
            number: row.number,
            address_sealed: row.address_sealed,
            current_address_sealed: row.current_address_sealed,
        })
    }
}

/// Works out the initials of some names that have none yet, of heads and of residents, and answers of how many. Somebody
/// who is being renamed meanwhile gets them with the new name.
pub(crate) async fn initials_fill(tx: &mut Tx) -> Result<u64> {
    let mut filled = 0;
    for (missing, fill) in [
        (
            "select village, id, head_name from household where head_initials is null limit $1 for update skip locked",
            "update household set head_initials = given.initials
               from unnest($1::text[], $2::uuid[], $3::text[]) as given (village, id, initials)
              where household.village = given.village and household.id = given.id",
        ),
        (
            "select village, id, display_name from resident where initials is null limit $1 for update skip locked",
            "update resident set initials = given.initials
               from unnest($1::text[], $2::uuid[], $3::text[]) as given (village, id, initials)
              where resident.village = given.village and resident.id = given.id",
        ),
    ] {
        let rows: Vec<(String, Uuid, String)> = sqlx::query_as(missing).bind(FILL).fetch_all(&mut **tx).await?;
        if rows.is_empty() {
            continue;
        }
        let done = sqlx::query(fill)
            .bind(rows.iter().map(|(village, ..)| village.as_str()).collect::<Vec<_>>())
            .bind(rows.iter().map(|(_, id, _)| *id).collect::<Vec<_>>())
            .bind(rows.iter().map(|(.., name)| initials(name)).collect::<Vec<_>>())
            .execute(&mut **tx)
            .await?;
        filled += done.rows_affected();
    }
    Ok(filled)
}
