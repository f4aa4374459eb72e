//! All attachments of a village: out with it as people read them, and gone with it.

use super::*;

#[tokio::test]
async fn all_of_a_village_goes_out_as_people_read_it_and_is_gone_at_once() {
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    let first = raised(&stage, &running, Concern { reference: "民意〔7〕".into(), ..concern(GAOCHONG) }).await;
    let second = raised(&stage, &running, Concern { sensitive: true, ..concern(GAOCHONG) }).await;
    let mut clerk = client(&running, &stage.caller(Office::Clerk, GAOCHONG, &[]));
    let small = upload(&mut clerk, &first, &jpeg(10), "一.jpg").await.unwrap();
    let large = upload(&mut clerk, &second, &jpeg(600_000), "二.jpg").await.unwrap();
    upload(&mut clerk, &second, &jpeg(10), "三.jpg").await.unwrap();

    let platform = stage.platform_config(&running.database.service_url);
    let database = running.database.open(&platform);
    let vault = platform::Vault::open(&platform.vault_key_file).unwrap();
    let (config, village) = (crate::attachments_of(&platform), GAOCHONG.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let written = attachments::write_out(&database, &vault, &config, &village, folder.path()).await.unwrap();
    assert_eq!((written.files, written.missing.len()), (3, 0));
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let file = folder.path().join("民意_7_").join(format!("办理前-{}.jpeg", hex(&small.sha256[..8])));
    assert_eq!(digest(&SHA256, &std::fs::read(file).unwrap()).as_ref(), &small.sha256[..]);
    let all = walk(folder.path());
    let found = |one: &Attachment| all.iter().filter(|file| digest(&SHA256, file).as_ref() == &one.sha256[..]).count();
    assert_eq!((found(&small), found(&large)), (2, 1));
    // What is sensitive is in the ledger too: it is whole.
    let ledger = casework::ledgers::whole(&database, &village).await.unwrap();
    assert!(ledger.len() > 1_000);

    assert_eq!(attachments::erase(&config, &village).await.unwrap(), 2);
    assert!(files(&stage).is_empty());
    assert_eq!(attachments::erase(&config, &village).await.unwrap(), 0, "what is gone stays gone");
    let written = attachments::write_out(&database, &vault, &config, &village, folder.path()).await.unwrap();
    assert_eq!((written.files, written.missing.len()), (0, 3));
}

/// The content of every file below a folder.
fn walk(folder: &std::path::Path) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(walk(&path));
        } else {
            all.push(std::fs::read(path).unwrap());
        }
    }
    all
}
