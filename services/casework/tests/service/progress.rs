//! What comes in from elsewhere, and what is told to whoever has a receipt.

use harness::{Call, Stage};
use platform::Office;
use proto::casework::v1::{AcceptConcernRequest, Concern, ConcernState, GetProgressRequest, Matter};
use tonic::Code;
use tonic_types::StatusExt;

use crate::{GAOCHONG, HOUSEHOLD, NEIGHBOUR, News, casework, clerk, client, concern, grid, report, rows};

fn ask(receipt_code: &str) -> GetProgressRequest {
    GetProgressRequest { receipt_code: receipt_code.into() }
}

#[tokio::test]
async fn whoever_has_the_receipt_is_told_how_it_goes_and_nothing_that_is_anybodys() {
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    let mut clerk = clerk(&stage, &running);
    let mut anybody = client(&running, &Call::nobody());
    let taken = clerk.create_concern(report(concern(GAOCHONG), GAOCHONG)).await.unwrap().into_inner();
    assert_eq!(taken.receipt_code.len(), 14);
    let progress = anybody.get_progress(ask(&taken.receipt_code)).await.unwrap().into_inner();
    assert_eq!((progress.state(), progress.state_title.as_str()), (ConcernState::Reported, "待受理"));
    assert_eq!((progress.next_step.as_str(), progress.next_time), ("等待受理", taken.respond_by_time));
    let everything = format!("{progress:?}");
    for secret in [GAOCHONG, HOUSEHOLD, taken.text.as_str(), taken.reference.as_str(), taken.matter_type.as_str()] {
        assert!(!everything.contains(secret), "{everything}");
    }
    clerk.accept_concern(AcceptConcernRequest { name: taken.name, ..Default::default() }).await.unwrap();
    let said = taken.receipt_code.to_lowercase().replace('-', " ");
    let progress = anybody.get_progress(ask(&said)).await.unwrap().into_inner();
    assert_eq!((progress.state(), progress.next_time), (ConcernState::Accepted, taken.due_time));

    let none = anybody.get_progress(ask("1000-0000-0000")).await.unwrap_err();
    assert_eq!(none.code(), Code::InvalidArgument, "a slip of the pen");
    // 0 modulo 37 is 0: a valid code that nobody has.
    let none = anybody.get_progress(ask("0000-0000-0000")).await.unwrap_err();
    assert_eq!(none.code(), Code::NotFound);
    // Nothing else is open to everybody.
    let list =
        proto::casework::v1::ListConcernsRequest { parent: format!("villages/{GAOCHONG}"), ..Default::default() };
    assert_eq!(anybody.list_concerns(list).await.unwrap_err().code(), Code::Unauthenticated);
}

#[tokio::test]
async fn whoever_tries_codes_is_told_to_wait() {
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    let mut anybody = client(&running, &Call::nobody());
    let mut told = Vec::new();
    for _ in 0..60 {
        told.push(anybody.get_progress(ask("0000-0000-0000")).await.unwrap_err());
    }
    let last = told.last().unwrap();
    assert_eq!(last.code(), Code::ResourceExhausted);
    assert!(last.get_details_retry_info().is_some());
    assert!(told.iter().filter(|one| one.code() == Code::NotFound).count() < 30);
}

#[tokio::test]
async fn what_another_system_sends_twice_is_one_concern() {
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    let mut hotline = client(&running, &stage.caller(Office::Integration, GAOCHONG, &[]));
    let from = |village: &str, number: &str| {
        let sent = Concern { source: "12345".into(), source_reference: number.into(), ..concern(village) };
        report(sent, village)
    };
    let first = hotline.create_concern(from(GAOCHONG, "CS-1")).await.unwrap().into_inner();
    let second = hotline.create_concern(from(GAOCHONG, "CS-1")).await.unwrap().into_inner();
    assert_eq!(first, second);
    let many: Vec<_> = (0..20)
        .map(|number| {
            let (mut hotline, sent) = (hotline.clone(), from(GAOCHONG, if number % 2 == 0 { "CS-2" } else { "CS-3" }));
            tokio::spawn(async move { hotline.create_concern(sent).await.unwrap().into_inner().name })
        })
        .collect();
    let mut names = std::collections::BTreeSet::new();
    for one in many {
        names.insert(one.await.unwrap());
    }
    assert_eq!(names.len(), 2);
    let mut theirs = client(&running, &stage.caller(Office::Integration, NEIGHBOUR, &[]));
    let other = theirs.create_concern(from(NEIGHBOUR, "CS-1")).await.unwrap().into_inner();
    assert!(other.name.starts_with(&format!("villages/{NEIGHBOUR}/")));
    rows(&running, "select count(*) from concern", 4).await;
    rows(&running, "select count(*) from move", 4).await;
    let mut both = from(GAOCHONG, "CS-9");
    both.concern_id = HOUSEHOLD.into();
    assert_eq!(hotline.create_concern(both).await.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn one_sentence_is_enough_and_a_grid_that_nobody_knows_is_a_slip() {
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    let _news = News::known(&stage, &running, GAOCHONG).await;
    let mut clerk = clerk(&stage, &running);
    let where_it_is = |code: &str| Concern {
        matter: Matter::Environment.into(),
        text: "巷口路灯不亮".into(),
        grid: grid(GAOCHONG, code),
        ..Default::default()
    };
    let taken = clerk.create_concern(report(where_it_is("027"), GAOCHONG)).await.unwrap().into_inner();
    assert_eq!((taken.routed, taken.owner), (true, format!("villages/{GAOCHONG}/teams/027")));
    assert!(taken.due_time.is_some() && taken.respond_by_time.is_some() && !taken.matter_type.is_empty());
    let slip = clerk.create_concern(report(where_it_is("207"), GAOCHONG)).await.unwrap_err();
    assert_eq!(slip.get_details_error_info().unwrap().reason, "UNKNOWN_GRID");
}
