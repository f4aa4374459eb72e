//! The names of a village's people.

use platform::{Result, Tx};
use proto::names::VillageCode;

/// Every name of somebody who lives or trades in the village, once. A village has some thousands; behind row security no
/// index would serve a comparison within a text, so they are compared by the service.
pub(super) async fn names_of(tx: &mut Tx, village: &VillageCode) -> Result<Vec<String>> {
    Ok(sqlx::query_scalar(
        "select head_name from household where village = $1
         union
         select display_name from resident where village = $1
         union
         select operator_name from merchant where village = $1 and operator_name <> ''",
    )
    .bind(village.as_str())
    .fetch_all(&mut **tx)
    .await?)
}
