//! Attachments: what comes in, what is kept of it, who gets it out, and what becomes of what is left over.

mod bucket;
mod whole;

use std::path::PathBuf;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use casework::attachments;
use harness::{Call, Running, Stage};
use platform::Office;
use proto::casework::v1::attachment_service_client::AttachmentServiceClient;
use proto::casework::v1::deliberation_service_client::DeliberationServiceClient;
use proto::casework::v1::download_attachment_response::Piece as Out;
use proto::casework::v1::upload_attachment_request::Piece as In;
use proto::casework::v1::{
    AcceptConcernRequest, Attachment, AttachmentRole, Concern, CreateDeliberationRequest, DeleteAttachmentRequest,
    Deliberation, DeliberationSubject, DownloadAttachmentRequest, ListAttachmentsRequest, StartConcernRequest,
    UploadAttachmentHeader, UploadAttachmentRequest,
};
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::{GAOCHONG, NEIGHBOUR, News, casework, clerk, concern, report, rows};

type Client = AttachmentServiceClient<InterceptedService<Channel, Call>>;

fn client(running: &Running, caller: &Call) -> Client {
    AttachmentServiceClient::with_interceptor(running.channel(), caller.clone())
}

fn segment(marker: u8, content: &[u8]) -> Vec<u8> {
    [&[0xFF, marker], &u16::try_from(content.len() + 2).unwrap().to_be_bytes()[..], content].concat()
}

/// A picture of so many bytes of data, with a comment that nobody is to read.
fn jpeg(data: usize) -> Vec<u8> {
    let scan = segment(0xDA, &[1, 1, 0, 0, 0, 0]);
    [&[0xFF, 0xD8][..], &segment(0xFE, b"28.35N 112.82E"), &scan, &vec![7; data], &[0xFF, 0xD9]].concat()
}

fn header(concern: &str, file: &[u8], name: &str) -> UploadAttachmentHeader {
    UploadAttachmentHeader {
        parent: concern.into(),
        attachment: Some(Attachment {
            role: AttachmentRole::Before.into(),
            file_name: name.into(),
            ..Attachment::default()
        }),
        size: file.len().try_into().unwrap(),
        ..Default::default()
    }
}

async fn send(client: &mut Client, header: UploadAttachmentHeader, file: &[u8]) -> Result<Attachment, Status> {
    let piece = |piece| UploadAttachmentRequest { piece: Some(piece) };
    let mut pieces = vec![piece(In::Header(header))];
    pieces.extend(file.chunks(100_000).map(|content| piece(In::Content(content.to_vec().into()))));
    client.upload_attachment(tokio_stream::iter(pieces)).await.map(tonic::Response::into_inner)
}

async fn upload(client: &mut Client, concern: &str, file: &[u8], name: &str) -> Result<Attachment, Status> {
    send(client, header(concern, file, name), file).await
}

async fn download(client: &mut Client, name: &str) -> Result<(Attachment, Vec<u8>), Status> {
    let request = DownloadAttachmentRequest { name: name.into() };
    let mut pieces = client.download_attachment(request).await?.into_inner();
    let Some(Out::Attachment(attachment)) = pieces.message().await?.unwrap().piece else { panic!("no record first") };
    let mut file = Vec::new();
    while let Some(piece) = pieces.message().await? {
        let Some(Out::Content(content)) = piece.piece else { panic!("a second record") };
        file.extend_from_slice(&content);
    }
    Ok((attachment, file))
}

async fn list(client: &mut Client, concern: &str) -> Result<Vec<Attachment>, Status> {
    let request = ListAttachmentsRequest { parent: concern.into() };
    Ok(client.list_attachments(request).await?.into_inner().attachments)
}

fn reason(refused: &Status) -> String {
    refused.get_details_error_info().unwrap().reason
}

/// The folder of the store, and the files in it.
fn folder(stage: &Stage) -> PathBuf {
    PathBuf::from(crate::attachments_of(&stage.platform_config("")).place)
}

fn files(stage: &Stage) -> Vec<PathBuf> {
    let village = folder(stage).join(GAOCHONG);
    let Ok(files) = std::fs::read_dir(village) else { return Vec::new() };
    files.map(|file| file.unwrap().path()).collect()
}

/// Looks for what is left over, as if it had been there for a day.
async fn scan(stage: &Stage, running: &Running) -> attachments::Found {
    let config = stage.platform_config(&running.database.service_url);
    let place = attachments::Config { grace: Duration::ZERO, ..crate::attachments_of(&config) };
    attachments::scan(running.database.open(&config), &place).await.unwrap()
}

async fn raised(stage: &Stage, running: &Running, told: Concern) -> String {
    clerk(stage, running).create_concern(report(told, GAOCHONG)).await.unwrap().into_inner().name
}

#[tokio::test]
async fn a_photo_comes_back_without_what_nobody_is_to_read_and_lies_sealed_meanwhile() {
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    let name = raised(&stage, &running, concern(GAOCHONG)).await;
    let mut clerk = client(&running, &stage.caller(Office::Clerk, GAOCHONG, &[]));
    let file = jpeg(700_000);
    let sent = UploadAttachmentHeader {
        sha256: digest(&SHA256, &file).as_ref().to_vec().into(),
        request_id: uuid::Uuid::now_v7().to_string(),
        ..header(&name, &file, "老人家门口.jpg")
    };
    let kept = send(&mut clerk, sent.clone(), &file).await.unwrap();
    assert_eq!((kept.content_type.as_str(), kept.role()), ("image/jpeg", AttachmentRole::Before));
    assert_eq!(kept.file_name, "老人家门口.jpg");
    assert!(kept.name.starts_with(&name));
    let (record, back) = download(&mut clerk, &kept.name).await.unwrap();
    assert_eq!(record, kept);
    assert_eq!(back.len(), file.len() - 18, "the comment is gone");
    assert_eq!((back.len(), digest(&SHA256, &back).as_ref()), (kept.size as usize, &kept.sha256[..]));
    assert_eq!(list(&mut clerk, &name).await.unwrap(), std::slice::from_ref(&kept));
    // The same request is the same attachment.
    assert_eq!(send(&mut clerk, sent, &file).await.unwrap(), kept);
    rows(&running, "select count(*) from attachment", 1).await;
    rows(&running, "select count(*) from change_log where noun = 'attachment'", 1).await;

    let [stored] = &files(&stage)[..] else { panic!("one object") };
    let stored = std::fs::read(stored).unwrap();
    assert!(!stored.windows(16).any(|bytes| bytes == [7; 16]), "nobody reads it from the disk");
    let mut owner = running.database.connect_as_owner().await;
    let sealed: Vec<u8> = sqlx::query_scalar("select name_sealed from attachment").fetch_one(&mut owner).await.unwrap();
    assert!(!String::from_utf8_lossy(&sealed).contains("老人"));
}

#[tokio::test]
async fn what_is_not_kept_is_refused_and_leaves_nothing() {
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    let name = raised(&stage, &running, concern(GAOCHONG)).await;
    let mut clerk = client(&running, &stage.caller(Office::Clerk, GAOCHONG, &[]));
    let lie = upload(
        &mut clerk,
        &name,
        b"\x7fELF and a long story that is no picture at all, whatever it is called",
        "a.jpg",
    );
    assert_eq!(reason(&lie.await.unwrap_err()), "ATTACHMENT_TYPE");
    // A picture that calls itself a document is a picture.
    let told = upload(&mut clerk, &name, &jpeg(10), "minutes.pdf").await.unwrap();
    assert_eq!(told.content_type, "image/jpeg");

    let file = jpeg(300_000);
    let early = send(&mut clerk, header(&name, &file, ""), &file[..200_000]).await.unwrap_err();
    assert_eq!((early.code(), reason(&early).as_str()), (Code::InvalidArgument, "ATTACHMENT_DAMAGED"));
    let more = send(&mut clerk, header(&name, &file[..1000], ""), &file).await.unwrap_err();
    assert_eq!(reason(&more), "ATTACHMENT_DAMAGED");
    let cut = &file[..200_000]; // all of what was said came, and yet it does not hold together
    assert_eq!(reason(&upload(&mut clerk, &name, cut, "").await.unwrap_err()), "ATTACHMENT_DAMAGED");
    let other = UploadAttachmentHeader { sha256: vec![1; 32].into(), ..header(&name, &file, "") };
    assert_eq!(reason(&send(&mut clerk, other, &file).await.unwrap_err()), "ATTACHMENT_DAMAGED");
    let large = jpeg(1_100_000);
    assert_eq!(reason(&upload(&mut clerk, &name, &large, "").await.unwrap_err()), "ATTACHMENT_TOO_LARGE");
    let huge = UploadAttachmentHeader { size: 1 << 40, ..header(&name, &file, "") };
    assert_eq!(reason(&send(&mut clerk, huge, &[]).await.unwrap_err()), "ATTACHMENT_TOO_LARGE");
    let headless = clerk.upload_attachment(tokio_stream::iter([UploadAttachmentRequest::default()])).await;
    assert_eq!(headless.unwrap_err().code(), Code::InvalidArgument);
    let nowhere = format!("villages/{GAOCHONG}/concerns/{}", uuid::Uuid::nil());
    assert_eq!(upload(&mut clerk, &nowhere, &file, "").await.unwrap_err().code(), Code::NotFound);

    upload(&mut clerk, &name, &jpeg(11), "").await.unwrap();
    upload(&mut clerk, &name, &jpeg(12), "").await.unwrap();
    assert_eq!(reason(&upload(&mut clerk, &name, &jpeg(13), "").await.unwrap_err()), "TOO_MANY_ATTACHMENTS");
    rows(&running, "select count(*) from attachment", 3).await;
    // The one too many was put before it was refused; it goes.
    assert_eq!(scan(&stage, &running).await.deleted, 1);
    assert_eq!(files(&stage).len(), 3);
}

#[tokio::test]
async fn the_same_content_twice_lies_there_once_and_until_nobody_has_it() {
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    let name = raised(&stage, &running, concern(GAOCHONG)).await;
    let other = raised(&stage, &running, concern(GAOCHONG)).await;
    let mut clerk = client(&running, &stage.caller(Office::Clerk, GAOCHONG, &[]));
    let one = upload(&mut clerk, &name, &jpeg(50), "1.jpg").await.unwrap();
    let two = upload(&mut clerk, &other, &jpeg(50), "2.jpg").await.unwrap();
    assert_eq!((one.sha256 == two.sha256, files(&stage).len()), (true, 1));

    let delete = |name: &str| DeleteAttachmentRequest { name: name.into(), ..Default::default() };
    let mut cadre = client(&running, &stage.caller(Office::Cadre, GAOCHONG, &[]));
    let refused = cadre.delete_attachment(delete(&one.name)).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied, "it is not theirs");
    let request = DeleteAttachmentRequest {
        etag: one.etag.clone(),
        request_id: uuid::Uuid::now_v7().to_string(),
        ..delete(&one.name)
    };
    let gone = clerk.delete_attachment(request.clone()).await.unwrap().into_inner();
    assert!(gone.delete_time.is_some() && gone.file_name.is_empty());
    assert_eq!(clerk.delete_attachment(request).await.unwrap().into_inner(), gone, "the same request again");
    assert_eq!(clerk.delete_attachment(delete(&one.name)).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(download(&mut clerk, &one.name).await.unwrap_err().code(), Code::NotFound);
    assert!(list(&mut clerk, &name).await.unwrap().is_empty());
    assert_eq!(scan(&stage, &running).await, attachments::Found { objects: 1, ..Default::default() });
    assert_eq!(download(&mut clerk, &two.name).await.unwrap().0, two);

    clerk.delete_attachment(delete(&two.name)).await.unwrap();
    assert_eq!(scan(&stage, &running).await.deleted, 1);
    assert!(files(&stage).is_empty());
    // And it may come again.
    let again = upload(&mut clerk, &other, &jpeg(50), "").await.unwrap();
    assert_eq!(download(&mut clerk, &again.name).await.unwrap().1.len() as i64, again.size);
}

#[tokio::test]
async fn whoever_is_cut_off_leaves_an_object_at_most_and_a_record_without_one_is_reported() {
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    let name = raised(&stage, &running, concern(GAOCHONG)).await;
    let mut clerk = client(&running, &stage.caller(Office::Clerk, GAOCHONG, &[]));
    // Killed between the object and the record: the database refuses the record.
    let mut owner = running.database.connect_as_owner().await;
    let break_it = "alter table attachment add constraint broken check (size <> 65)";
    sqlx::query(break_it).execute(&mut owner).await.unwrap();
    let file = jpeg(51);
    assert_eq!(upload(&mut clerk, &name, &file, "").await.unwrap_err().code(), Code::Internal);
    rows(&running, "select count(*) from attachment", 0).await;
    assert_eq!(files(&stage).len(), 1);
    // Its day is not over.
    let config = stage.platform_config(&running.database.service_url);
    let early = attachments::scan(running.database.open(&config), &crate::attachments_of(&config)).await.unwrap();
    assert_eq!((early.objects, early.deleted), (1, 0));
    sqlx::query("alter table attachment drop constraint broken").execute(&mut owner).await.unwrap();
    // Two look at once, while the same comes again.
    let (first, second, kept) =
        tokio::join!(scan(&stage, &running), scan(&stage, &running), upload(&mut clerk, &name, &file, ""));
    assert!(first.deleted + second.deleted <= 2);
    // As these look as if a day had passed, they may even take away what has just been put: it is sent again then.
    let kept = match kept {
        Ok(kept) => kept,
        Err(refused) => {
            assert_eq!(refused.code(), Code::Unavailable);
            upload(&mut clerk, &name, &file, "").await.unwrap()
        }
    };
    assert_eq!(download(&mut clerk, &kept.name).await.unwrap().0, kept);
    assert_eq!(scan(&stage, &running).await, attachments::Found { objects: 1, ..Default::default() });

    // What nobody wrote down has a day more; what was left half written goes.
    let village = folder(&stage).join(GAOCHONG);
    std::fs::write(village.join("0000"), "stray").unwrap();
    std::fs::write(village.join("0001#1"), "half").unwrap();
    assert_eq!(scan(&stage, &running).await.adopted, 1);
    assert_eq!(scan(&stage, &running).await.deleted, 1);
    assert_eq!(files(&stage).len(), 1);

    std::fs::remove_file(&files(&stage)[0]).unwrap();
    assert_eq!(scan(&stage, &running).await.missing, std::slice::from_ref(&kept.name));
    assert_eq!(download(&mut clerk, &kept.name).await.unwrap_err().code(), Code::Internal);
}

#[tokio::test]
async fn attachments_follow_their_concern() {
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    let _news = News::known(&stage, &running, GAOCHONG).await;
    let name = raised(&stage, &running, concern(GAOCHONG)).await;
    let secret = raised(&stage, &running, Concern { sensitive: true, ..concern(GAOCHONG) }).await;
    let mut here = client(&running, &stage.caller(Office::Representative, GAOCHONG, &["027"]));
    let kept = upload(&mut here, &name, &jpeg(10), "").await.unwrap();
    let hidden = upload(&mut here, &secret, &jpeg(10), "").await.unwrap();
    let mut elsewhere = client(&running, &stage.caller(Office::Representative, GAOCHONG, &["028"]));
    let mut officer = client(&running, &stage.caller(Office::Officer, "430112011", &[]));
    let mut neighbour = client(&running, &stage.caller(Office::Clerk, NEIGHBOUR, &[]));
    assert_eq!(list(&mut officer, &name).await.unwrap(), std::slice::from_ref(&kept));
    for (other, concern, attachment) in [(&mut elsewhere, &name, &kept), (&mut officer, &secret, &hidden)] {
        assert_eq!(list(other, concern).await.unwrap_err().code(), Code::NotFound);
        assert_eq!(download(other, &attachment.name).await.unwrap_err().code(), Code::NotFound);
        assert_eq!(upload(other, concern, &jpeg(10), "").await.unwrap_err().code(), Code::NotFound);
        let delete = DeleteAttachmentRequest { name: attachment.name.clone(), ..Default::default() };
        assert_eq!(other.delete_attachment(delete).await.unwrap_err().code(), Code::NotFound);
    }
    assert_eq!(download(&mut neighbour, &kept.name).await.unwrap_err().code(), Code::PermissionDenied);
    // The id of one concern's attachment is not found under another.
    let stray = kept.name.replace(&name, &secret);
    assert_eq!(download(&mut here, &stray).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn a_slow_link_has_the_time_it_needs_and_a_silent_one_has_not() {
    let stage = Stage::new().await;
    let patience = Duration::from_secs(6);
    let serve = |platform: platform::Config, events, process| {
        let platform = platform::Config { call_timeout: patience, ..platform };
        casework::serve(crate::config(platform, events), process)
    };
    let running = stage.serve(casework::SERVICE, &casework::migrations(), serve).await;
    let concern = raised(&stage, &running, concern(GAOCHONG)).await;
    let mut clerk = client(&running, &stage.caller(Office::Clerk, GAOCHONG, &[]));
    let file = jpeg(50_000);
    // Each piece comes within the patience, and all of them together do not.
    let piece = |piece| UploadAttachmentRequest { piece: Some(piece) };
    let mut pieces = vec![piece(In::Header(header(&concern, &file, "慢.jpg")))];
    pieces.extend(file.chunks(13_000).map(|content| piece(In::Content(content.to_vec().into()))));
    let slowly = futures::StreamExt::then(tokio_stream::iter(pieces.clone()), |piece| async move {
        tokio::time::sleep(Duration::from_millis(1800)).await;
        piece
    });
    let kept = clerk.upload_attachment(slowly).await.unwrap().into_inner();
    assert_eq!(list(&mut clerk, &concern).await.unwrap(), [kept]);
    pieces.truncate(2);
    let silent = futures::StreamExt::chain(tokio_stream::iter(pieces), tokio_stream::pending());
    assert_eq!(clerk.upload_attachment(silent).await.unwrap_err().code(), Code::DeadlineExceeded);
    assert_eq!(list(&mut clerk, &concern).await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_minutes_of_a_deliberation_are_for_those_who_serve_the_whole_village() {
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    let _news = News::known(&stage, &running, GAOCHONG).await;
    let name = raised(&stage, &running, concern(GAOCHONG)).await;
    let mut cases = clerk(&stage, &running);
    cases.accept_concern(AcceptConcernRequest { name: name.clone(), ..Default::default() }).await.unwrap();
    cases.start_concern(StartConcernRequest { name: name.clone(), ..Default::default() }).await.unwrap();
    let caller = stage.caller(Office::Clerk, GAOCHONG, &[]);
    let create = CreateDeliberationRequest {
        parent: format!("villages/{GAOCHONG}"),
        deliberation: Some(Deliberation {
            title: "儿童活动室".into(),
            proposal: "改建会议室".into(),
            subject: DeliberationSubject::General.into(),
            concerns: vec![name],
            ..Default::default()
        }),
        ..Default::default()
    };
    let board = DeliberationServiceClient::with_interceptor(running.channel(), caller.clone());
    let opened = { board }.create_deliberation(create).await.unwrap().into_inner().name;
    let mut office = client(&running, &caller);
    let mut officer = client(&running, &stage.caller(Office::Officer, "430112011", &[]));
    let mut leader = client(&running, &stage.caller(Office::Leader, GAOCHONG, &["027"]));
    let kept = upload(&mut office, &opened, &jpeg(100), "会议纪要.jpg").await.unwrap();
    assert!(kept.name.starts_with(&format!("{opened}/attachments/")));
    assert_eq!(list(&mut officer, &opened).await.unwrap(), std::slice::from_ref(&kept));
    assert_eq!(download(&mut officer, &kept.name).await.unwrap().0, kept);
    assert_eq!(reason(&upload(&mut officer, &opened, &jpeg(9), "").await.unwrap_err()), "PERMISSION_DENIED");
    assert_eq!(list(&mut leader, &opened).await.unwrap_err().code(), Code::NotFound);
    assert_eq!(download(&mut leader, &kept.name).await.unwrap_err().code(), Code::NotFound);
}
