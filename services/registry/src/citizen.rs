//! Whose a citizen ID number is: one person is in a village once, as the head of a household or as a resident of one.
//! Knows blind indexes only, never a number.

use platform::{Error, OnConstraint, Result, Tx};
use proto::names::VillageCode;
use uuid::Uuid;

/// A person and their number's index, if they have one.
pub(crate) struct Claim {
    pub(crate) household: Uuid,
    /// None: the household's head.
    pub(crate) resident: Option<Uuid>,
    pub(crate) index: Option<Vec<u8>>,
    /// Whether the person was just entered, and so had no number before.
    pub(crate) is_new: bool,
}

/// Who has a number already.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct Holder {
    pub(crate) citizen_id_index: Vec<u8>,
    pub(crate) household: Uuid,
    pub(crate) resident: Option<Uuid>,
    /// The household's number, by which a clerk finds it.
    pub(crate) number: String,
}

/// Those who have one of these numbers.
pub(crate) async fn citizen_holders(tx: &mut Tx, village: &VillageCode, indexes: &[Vec<u8>]) -> Result<Vec<Holder>> {
    if indexes.is_empty() {
        return Ok(Vec::new());
    }
    Ok(sqlx::query_as(
        // Each number by itself, and then its household: also before the server has ever counted its rows.
        "select citizen_id_index, holder.household, resident, number
           from unnest($2::bytea[]) as asked (wanted)
          cross join lateral (select citizen_id_index, household, resident
                                from citizen
                               where village = $1 and citizen_id_index = wanted
                               limit 1) as holder
          cross join lateral (select number
                                from household
                               where village = $1 and id = holder.household
                               limit 1) as home",
    )
    .bind(village.as_str())
    .bind(indexes)
    .fetch_all(&mut **tx)
    .await?)
}

/// Takes back the numbers of the heads of these households and of these residents: they are about to be written in other
/// roles or places, and given their numbers there.
pub(crate) async fn citizen_release(
    tx: &mut Tx,
    village: &VillageCode,
    heads_of: &[Uuid],
    residents: &[Uuid],
) -> Result<()> {
    sqlx::query(
        "delete from citizen where village = $1 and (household = any($2) and resident is null or resident = any($3))",
    )
    .bind(village.as_str())
    .bind(heads_of)
    .bind(residents)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Gives each person their number, and takes back the one they had. Numbers that people exchange are taken back before
/// any is given.
pub(crate) async fn citizen_save(tx: &mut Tx, village: &VillageCode, claims: &[Claim]) -> Result<()> {
    if claims.iter().any(|claim| !claim.is_new) {
        sqlx::query(
            "delete from citizen
              using unnest($2::uuid[], $3::uuid[], $4::bytea[]) as claim (household, resident, citizen_id_index)
              where citizen.village = $1
                and citizen.household = claim.household
                and citizen.resident is not distinct from claim.resident
                and citizen.citizen_id_index is distinct from claim.citizen_id_index",
        )
        .bind(village.as_str())
        .bind(claims.iter().map(|claim| claim.household).collect::<Vec<_>>())
        .bind(claims.iter().map(|claim| claim.resident).collect::<Vec<_>>())
        .bind(claims.iter().map(|claim| claim.index.as_deref()).collect::<Vec<_>>())
        .execute(&mut **tx)
        .await?;
    }
    let numbered: Vec<&Claim> = claims.iter().filter(|claim| claim.index.is_some()).collect();
    if numbered.is_empty() {
        return Ok(());
    }
    // Only who was there before can have the number already; of those who are new it would be looked for in vain.
    sqlx::query(
        "insert into citizen (village, citizen_id_index, household, resident)
         select $1, claim.citizen_id_index, claim.household, claim.resident
           from unnest($2::uuid[], $3::uuid[], $4::bytea[], $5::boolean[])
                as claim (household, resident, citizen_id_index, is_new)
          where claim.is_new
             or not exists (select from citizen known
                             where known.village = $1
                               and known.citizen_id_index = claim.citizen_id_index
                               and known.household = claim.household
                               and known.resident is not distinct from claim.resident)",
    )
    .bind(village.as_str())
    .bind(numbered.iter().map(|claim| claim.household).collect::<Vec<_>>())
    .bind(numbered.iter().map(|claim| claim.resident).collect::<Vec<_>>())
    .bind(numbered.iter().map(|claim| claim.index.as_deref()).collect::<Vec<_>>())
    .bind(numbered.iter().map(|claim| claim.is_new).collect::<Vec<_>>())
    .execute(&mut **tx)
    .await
    .on_constraint("citizen_pkey", || Error::AlreadyExists("a person with this citizen ID number".to_owned()))?;
    Ok(())
}
