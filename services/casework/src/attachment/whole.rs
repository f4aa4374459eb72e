//! All attachments of a village at once, for the operator's commands: out as files that people can open, or gone.

use std::fs::{File, create_dir_all};
use std::io::Write;
use std::path::Path;

use futures::StreamExt;
use platform::vault::VillageKeys;
use platform::{Database, Error, Result, Scope, Tx, Vault};
use proto::names::VillageCode;

use super::name::{Name, Parent};
use super::objects::Objects;
use super::sealed::Opener;
use super::store::{self, Filed};
use super::{Config, hex};

/// Bytes of a content's digest in the name of its file: no two contents of a concern share them.
const TELLING_BYTES: usize = 8;

/// What was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Written {
    /// Files.
    pub files: usize,
    /// Attachments whose object is gone, by name.
    pub missing: Vec<String>,
}

/// Writes what all concerns and deliberations of a village have into a folder, opened: a folder for each, called by the
/// concern's number in the ledger or by the deliberation's title, and in it a file for each content, called by what it shows
/// and by its digest.
///
/// # Errors
/// When the database, the store or the disk does not answer, or the key file does not open the village's key.
pub async fn write_out(
    database: &Database,
    vault: &Vault,
    config: &Config,
    village: &VillageCode,
    to: &Path,
) -> Result<Written> {
    let objects = Objects::of(config)?;
    let mut tx = database.begin_snapshot(&Scope::from(village)).await?;
    let mut written = Written::default();
    let filed = store::filed_list(&mut tx, *village).await?;
    if filed.is_empty() {
        return Ok(written);
    }
    let keys = vault.keys(&mut tx, village).await?;
    for one in filed {
        if write_one(&mut tx, &keys, &objects, village, &one, to).await? {
            written.files += 1;
        } else {
            let parent = Parent::read(*village, &one.parent_kind, one.parent);
            written.missing.extend(parent.map(|parent| Name { parent, id: one.id }.to_string()));
        }
    }
    Ok(written)
}

/// Writes one file; says whether there was anything to write.
async fn write_one(
    tx: &mut Tx,
    keys: &VillageKeys,
    objects: &Objects,
    village: &VillageCode,
    one: &Filed,
    to: &Path,
) -> Result<bool> {
    let Some(mut stored) = objects.get(village, &one.object).await? else { return Ok(false) };
    let mut opener = Opener::new(store::object_key(tx, keys, *village, &one.object).await?, one.size)?;
    let folder = to.join(plain(&one.called));
    create_dir_all(&folder).map_err(Error::internal)?;
    let telling = hex(one.sha256.get(..TELLING_BYTES).unwrap_or(&one.sha256));
    let mut file =
        File::create(folder.join(format!("{}-{telling}.{}", one.role.title(), one.kind))).map_err(Error::internal)?;
    while let Some(piece) = stored.next().await {
        for segment in opener.take(&piece?)? {
            file.write_all(&segment).map_err(Error::internal)?;
        }
    }
    if let Some(last) = opener.finish()? {
        file.write_all(&last).map_err(Error::internal)?;
    }
    file.sync_all().map_err(Error::internal)?;
    Ok(true)
}

/// A village's own number or title as the name of a folder: whatever may lead elsewhere is a line.
fn plain(reference: &str) -> String {
    let sign = |sign: char| if sign.is_alphanumeric() || matches!(sign, '-' | '_') { sign } else { '_' };
    reference.chars().map(sign).collect()
}

/// Deletes all objects of a village, whatever the database knows of them, and says how many there were.
///
/// # Errors
/// When the store does not answer: those that are left go when this is done again.
pub async fn erase(config: &Config, village: &VillageCode) -> Result<usize> {
    let objects = Objects::of(config)?;
    if objects.is_unused() {
        return Ok(0);
    }
    let all = objects.list(village).await?;
    for (key, _) in &all {
        objects.delete(village, key).await?;
    }
    objects.close(village)?;
    Ok(all.len())
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn a_number_that_a_village_gave_leads_nowhere_else() {
        assert_eq!(plain("260302-8K3QW9ZT"), "260302-8K3QW9ZT");
        assert_eq!(plain("民意2026〔12〕号"), "民意2026_12_号");
        assert_eq!(plain("../../etc/passwd"), "______etc_passwd");
    }
}
