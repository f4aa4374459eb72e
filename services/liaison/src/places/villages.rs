//! Which villages are at work: in an archived one the database itself refuses whatever a caller asks to be written.

use platform::{Error, Result, Tx};
use proto::names::VillageName;
use proto::registry::v1::{VillageChanged, VillageState};

/// Keeps what is newer than what is known.
pub(crate) async fn villages_keep(tx: &mut Tx, news: &[VillageChanged]) -> Result<()> {
    if news.is_empty() {
        return Ok(());
    }
    let names: Vec<VillageName> =
        news.iter().map(|village| village.name.parse().map_err(Error::internal)).collect::<Result<_>>()?;
    sqlx::query(
        "insert into village (village, state, revision)
         select village, case when archived then 'archived' else 'active' end, revision
           from unnest($1::text[], $2::boolean[], $3::bigint[]) as news (village, archived, revision)
         on conflict (village) do update
            set state = excluded.state, revision = excluded.revision
          where excluded.revision > village.revision",
    )
    .bind(names.iter().map(|VillageName(code)| code.as_str()).collect::<Vec<_>>())
    .bind(news.iter().map(|village| village.state() == VillageState::Archived).collect::<Vec<_>>())
    .bind(news.iter().map(|village| village.revision).collect::<Vec<_>>())
    .execute(&mut **tx)
    .await?;
    Ok(())
}
