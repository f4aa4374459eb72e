//! Attachments in a bucket: a store that speaks S3 over HTTP, and checks how every request is signed.

use std::net::SocketAddr;

use axum::Router;
use axum::error_handling::HandleError;
use axum::http::StatusCode;
use s3s::HttpError;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use s3s_fs::FileSystem;

use super::*;

const KEY_ID: &str = "casework";
const SECRET: &str = "told-to-nobody";

/// A store with one bucket, which lies in a folder.
struct Store {
    address: SocketAddr,
    folder: tempfile::TempDir,
}

impl Store {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("village-papers")).unwrap();
        let mut service = S3ServiceBuilder::new(FileSystem::new(folder.path()).unwrap());
        service.set_auth(SimpleAuth::from_single(KEY_ID, SECRET));
        let failed = |error: HttpError| async move { (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:?}")) };
        let service = Router::new().fallback_service(HandleError::new(service.build(), failed));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(axum::serve(listener, service).into_future());
        Self { address, folder }
    }

    /// What casework is told of it, with this secret.
    fn config(&self, platform: &platform::Config, secret: &str) -> attachments::Config {
        let file = platform.vault_key_file.with_file_name("s3-secret");
        std::fs::write(&file, format!("{secret}\n")).unwrap();
        attachments::Config {
            place: "s3://village-papers/attachments".into(),
            s3_endpoint: Some(format!("http://{}", self.address)),
            s3_access_key_id: Some(KEY_ID.into()),
            s3_secret_key_file: Some(file),
            ..crate::attachments_of(platform)
        }
    }

    async fn casework(&self, stage: &Stage, secret: &str) -> Running {
        let serve = |platform: platform::Config, events, process| {
            let attachments = self.config(&platform, secret);
            casework::serve(casework::Config { platform, events, attachments }, process)
        };
        stage.serve(casework::SERVICE, &casework::migrations(), serve).await
    }

    /// Looks for what is left over, as if it had been there for a day.
    async fn scan(&self, stage: &Stage, running: &Running, secret: &str) -> platform::Result<attachments::Found> {
        let platform = stage.platform_config(&running.database.service_url);
        let config = attachments::Config { grace: Duration::ZERO, ..self.config(&platform, secret) };
        attachments::scan(running.database.open(&platform), &config).await
    }

    fn village(&self) -> PathBuf {
        self.folder.path().join("village-papers/attachments").join(GAOCHONG)
    }

    fn files(&self) -> Vec<PathBuf> {
        let Ok(files) = std::fs::read_dir(self.village()) else { return Vec::new() };
        files.map(|file| file.unwrap().path()).collect()
    }
}

#[tokio::test]
async fn a_photo_lies_sealed_in_the_bucket_and_comes_back_as_from_a_folder() {
    let (stage, store) = (Stage::new().await, Store::new().await);
    let running = store.casework(&stage, SECRET).await;
    let name = raised(&stage, &running, concern(GAOCHONG)).await;
    let mut clerk = client(&running, &stage.caller(Office::Clerk, GAOCHONG, &[]));
    let file = jpeg(700_000);
    let kept = upload(&mut clerk, &name, &file, "门口.jpg").await.unwrap();
    let (record, back) = download(&mut clerk, &kept.name).await.unwrap();
    assert_eq!((record, digest(&SHA256, &back).as_ref()), (kept.clone(), &kept.sha256[..]));
    let [stored] = &store.files()[..] else { panic!("one object") };
    let stored = std::fs::read(stored).unwrap();
    assert!(stored.len() > back.len() && !stored.windows(16).any(|bytes| bytes == [7; 16]), "nobody reads it there");

    // The same content is put in its own place.
    let twice = upload(&mut clerk, &name, &file, "").await.unwrap();
    assert_eq!((twice.sha256 == kept.sha256, store.files().len()), (true, 1));
    assert_eq!(store.scan(&stage, &running, SECRET).await.unwrap().objects, 1);

    let platform = stage.platform_config(&running.database.service_url);
    let (config, village) = (store.config(&platform, SECRET), GAOCHONG.parse().unwrap());
    assert_eq!(attachments::erase(&config, &village).await.unwrap(), 1);
    assert_eq!(attachments::erase(&config, &village).await.unwrap(), 0, "what is gone stays gone");
    assert_eq!(download(&mut clerk, &kept.name).await.unwrap_err().code(), Code::Internal);
}

#[tokio::test]
async fn what_is_left_over_in_a_bucket_is_found_and_goes() {
    let (stage, store) = (Stage::new().await, Store::new().await);
    let running = store.casework(&stage, SECRET).await;
    let name = raised(&stage, &running, concern(GAOCHONG)).await;
    let mut clerk = client(&running, &stage.caller(Office::Clerk, GAOCHONG, &[]));
    let gone = upload(&mut clerk, &name, &jpeg(50), "1.jpg").await.unwrap();
    let kept = upload(&mut clerk, &name, &jpeg(60), "2.jpg").await.unwrap();
    let delete = DeleteAttachmentRequest { name: gone.name, ..Default::default() };
    clerk.delete_attachment(delete).await.unwrap();
    let found = store.scan(&stage, &running, SECRET).await.unwrap();
    assert_eq!(found, attachments::Found { objects: 2, deleted: 1, ..Default::default() });
    // What nobody wrote down has a day more, of a village of which nothing is written down, too.
    std::fs::write(store.village().join("0000"), "stray").unwrap();
    let next_door = store.village().with_file_name(NEIGHBOUR);
    std::fs::create_dir(&next_door).unwrap();
    std::fs::write(next_door.join("0000"), "stray").unwrap();
    assert_eq!(store.scan(&stage, &running, SECRET).await.unwrap().adopted, 2);
    assert_eq!(store.scan(&stage, &running, SECRET).await.unwrap().deleted, 2);
    let [object] = &store.files()[..] else { panic!("one object") };
    assert_eq!(download(&mut clerk, &kept.name).await.unwrap().0, kept);
    std::fs::remove_file(object).unwrap();
    assert_eq!(store.scan(&stage, &running, SECRET).await.unwrap().missing, std::slice::from_ref(&kept.name));
}

#[tokio::test]
async fn whoever_has_the_wrong_secret_is_told_so_and_nobody_is_told_the_secret() {
    const WRONG: &str = "wrong-and-told-to-nobody";
    let (stage, store) = (Stage::new().await, Store::new().await);
    let running = store.casework(&stage, WRONG).await;
    let name = raised(&stage, &running, concern(GAOCHONG)).await;
    let mut clerk = client(&running, &stage.caller(Office::Clerk, GAOCHONG, &[]));
    let refused = upload(&mut clerk, &name, &jpeg(50), "1.jpg").await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::Unavailable, "UNAVAILABLE"));
    assert_eq!(refused.message(), "the store of attachments does not accept the key to it");
    let scan = store.scan(&stage, &running, WRONG).await.unwrap_err();
    assert!(scan.in_full().starts_with("the store of attachments does not"), "{}", scan.in_full());
    assert!(!format!("{refused:?} {scan:?}").contains(WRONG));
    rows(&running, "select count(*) from attachment", 0).await;
    assert!(store.files().is_empty());
    assert_eq!(store.scan(&stage, &running, SECRET).await.unwrap(), attachments::Found::default());
}
