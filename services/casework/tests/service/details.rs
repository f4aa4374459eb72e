//! What is rarely said of a concern: how it came in, on whose behalf, where, what was handed over; and who is told of it.

use harness::Stage;
use platform::Office;
use prost_types::FieldMask;
use proto::casework::v1::{
    Concern, ConcernChannel, Errand, GetProgressRequest, ListConcernsRequest, ListMovesRequest, Matter, MoveKind,
    Paper, ReceivePapersRequest, ReturnPapersRequest, SuperviseConcernRequest, UpdateConcernRequest,
};
use tonic::Code;
use tonic_types::StatusExt;

use crate::{GAOCHONG, HOUSEHOLD, News, casework, clerk, client, concern, get, grid, household, report, rows};

const VISIT: &str = "018f5e9e-0000-7000-8000-0000000000b1";
const RESIDENT: &str = "018f5e9e-0000-7000-8000-0000000000c1";

fn paper(title: &str) -> Paper {
    Paper { title: title.into(), ..Paper::default() }
}

/// Somebody's pension, raised at the door.
fn pension() -> Concern {
    Concern {
        matter: Matter::ResidentAffairs.into(),
        matter_type: "养老认证".into(),
        text: "老人行动不便，请代办养老认证。".into(),
        visit: format!("villages/{GAOCHONG}/visits/{VISIT}"),
        on_behalf_of: format!("{}/residents/{RESIDENT}", household(GAOCHONG, HOUSEHOLD)),
        location: "3栋后门".into(),
        errand: Some(Errand { papers: vec![paper("居民身份证")], ..Errand::default() }),
        household: String::new(),
        ..concern(GAOCHONG)
    }
}

#[tokio::test]
async fn an_errand_says_on_whose_behalf_what_was_handed_over_and_what_is_missing() {
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    let _news = News::known(&stage, &running, GAOCHONG).await;
    let mut clerk = clerk(&stage, &running);
    let taken = clerk.create_concern(report(pension(), GAOCHONG)).await.unwrap().into_inner();
    assert_eq!((taken.channel(), taken.location.as_str()), (ConcernChannel::Visit, "3栋后门"));
    assert_eq!(taken.household, household(GAOCHONG, HOUSEHOLD), "it is their household's");
    assert_eq!(taken.grid, grid(GAOCHONG, "027"));
    assert_eq!(taken.errand.as_ref().unwrap().missing, ["社会保障卡"]);
    assert_eq!(get(&mut clerk, &taken.name).await.unwrap(), taken);

    let receive = ReceivePapersRequest {
        name: taken.name.clone(),
        titles: vec!["社会保障卡".into()],
        etag: taken.etag.clone(),
        ..Default::default()
    };
    let whole = clerk.receive_papers(receive.clone()).await.unwrap().into_inner();
    assert!(whole.errand.as_ref().unwrap().missing.is_empty());
    assert_eq!(clerk.receive_papers(receive).await.unwrap_err().code(), Code::Aborted);
    let update = UpdateConcernRequest {
        concern: Some(Concern {
            name: taken.name.clone(),
            errand: Some(Errand { receipt: "社保受理0042".into(), ..Errand::default() }),
            channel: ConcernChannel::Telephone.into(),
            ..Concern::default()
        }),
        update_mask: Some(FieldMask { paths: vec!["errand.receipt".into(), "channel".into(), "visit".into()] }),
        ..Default::default()
    };
    let updated = clerk.update_concern(update).await.unwrap().into_inner();
    assert_eq!((updated.channel(), updated.visit.as_str()), (ConcernChannel::Telephone, ""));
    assert_eq!(updated.errand.as_ref().unwrap().receipt, "社保受理0042");

    let ask = GetProgressRequest { receipt_code: taken.receipt_code.clone() };
    let progress = clerk.get_progress(ask.clone()).await.unwrap().into_inner();
    assert_eq!((progress.papers_received, progress.papers_returned), (2, 0));
    let give_back = ReturnPapersRequest { name: taken.name.clone(), ..Default::default() };
    let back = clerk.return_papers(give_back.clone()).await.unwrap().into_inner();
    assert!(back.errand.unwrap().papers.iter().all(|paper| paper.returned_on.is_some()));
    let progress = clerk.get_progress(ask).await.unwrap().into_inner();
    assert_eq!((progress.papers_received, progress.papers_returned), (2, 2));
    let twice = clerk.return_papers(give_back).await.unwrap_err();
    assert_eq!(twice.get_details_error_info().unwrap().reason, "ILLEGAL_MOVE");
    let moves = ListMovesRequest { parent: taken.name, ..Default::default() };
    let kinds: Vec<MoveKind> =
        clerk.list_moves(moves).await.unwrap().into_inner().moves.iter().map(|one| one.kind()).collect();
    use MoveKind::{PapersReceived, PapersReturned, Reported, Updated};
    assert_eq!(kinds, [Reported, PapersReceived, Updated, PapersReturned]);

    // Sealed where it is kept, and nowhere else.
    let mut owner = running.database.connect_as_owner().await;
    let sealed: (Vec<u8>, Vec<u8>) = sqlx::query_as("select location_sealed, receipt_sealed from concern_detail")
        .fetch_one(&mut owner)
        .await
        .unwrap();
    assert!(
        !String::from_utf8_lossy(&sealed.0).contains("3栋") && !String::from_utf8_lossy(&sealed.1).contains("0042")
    );
    let told = "select count(*) from change_log where position('3栋后门' in encode(event, 'escape')) > 0";
    rows(&running, told, 0).await;
}

#[tokio::test]
async fn one_sentence_is_enough_and_writes_nothing_beside_the_concern() {
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    let mut clerk = clerk(&stage, &running);
    let taken = clerk.create_concern(report(concern(GAOCHONG), GAOCHONG)).await.unwrap().into_inner();
    assert_eq!((taken.channel(), taken.errand, taken.sensitive), (ConcernChannel::Unspecified, None, false));
    rows(&running, "select count(*) from concern_detail", 0).await;
    let wrong = Concern { channel: ConcernChannel::Group.into(), ..pension() };
    assert_eq!(clerk.create_concern(report(wrong, GAOCHONG)).await.unwrap_err().code(), Code::InvalidArgument);
    let other = household(GAOCHONG, "018f5e9e-0000-7000-8000-000000000009");
    let wrong = Concern { household: other, ..pension() };
    assert_eq!(clerk.create_concern(report(wrong, GAOCHONG)).await.unwrap_err().code(), Code::InvalidArgument);
    // What was said in one sentence can be said more of later.
    let update = UpdateConcernRequest {
        concern: Some(Concern { name: taken.name.clone(), location: "塘边".into(), ..Concern::default() }),
        update_mask: Some(FieldMask { paths: vec!["location".into()] }),
        ..Default::default()
    };
    assert_eq!(clerk.update_concern(update).await.unwrap().into_inner().location, "塘边");
    rows(&running, "select count(*) from concern_detail", 1).await;
}

#[tokio::test]
async fn a_sensitive_concern_is_told_to_those_who_have_it_to_do_and_to_all_others_is_only_there() {
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    let _news = News::known(&stage, &running, GAOCHONG).await;
    let mut clerk = clerk(&stage, &running);
    let mut team = client(&running, &stage.caller(Office::Representative, GAOCHONG, &["027"]));
    let mut officer = client(&running, &stage.caller(Office::Officer, "430112011", &[]));
    let mut hotline = client(&running, &stage.caller(Office::Integration, GAOCHONG, &[]));
    let taken =
        clerk.create_concern(report(Concern { sensitive: true, ..pension() }, GAOCHONG)).await.unwrap().into_inner();
    assert!(taken.sensitive && !taken.withheld && !taken.text.is_empty());
    assert_eq!(get(&mut team, &taken.name).await.unwrap().text, taken.text, "its owner is told");

    let update = UpdateConcernRequest {
        concern: Some(Concern { name: taken.name.clone(), ..Concern::default() }),
        update_mask: Some(FieldMask { paths: vec!["sensitive".into()] }),
        ..Default::default()
    };
    for other in [&mut officer, &mut hotline] {
        let seen = get(other, &taken.name).await.unwrap();
        assert!(seen.withheld && seen.text.is_empty() && seen.location.is_empty() && seen.errand.is_none());
        assert!(seen.on_behalf_of.is_empty() && seen.receipt_code.is_empty());
        assert_eq!(seen.state(), taken.state());
        let list = ListConcernsRequest { parent: format!("villages/{GAOCHONG}"), ..Default::default() };
        let listed = other.list_concerns(list).await.unwrap().into_inner().concerns;
        assert!(listed[0].withheld && listed[0].text.is_empty());
    }
    let refused = officer.update_concern(update).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);

    // Put under supervision, it is the sub-district's to see; what was said with it as well.
    let note = "妇联已介入".to_owned();
    let supervise = SuperviseConcernRequest { name: taken.name.clone(), note, ..Default::default() };
    clerk.supervise_concern(supervise).await.unwrap();
    assert_eq!(get(&mut officer, &taken.name).await.unwrap().text, taken.text);
    let moves = ListMovesRequest { parent: taken.name, ..Default::default() };
    let told = hotline.list_moves(moves.clone()).await.unwrap().into_inner().moves;
    assert!(told.iter().all(|one| one.note.is_empty()));
    let told = officer.list_moves(moves).await.unwrap().into_inner().moves;
    assert_eq!(told[1].note, "妇联已介入");
}
