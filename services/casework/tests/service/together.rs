//! Orders that come at once share a transaction, and nothing else.

use platform::{Office, Scope};
use proto::casework::v1::{AcceptConcernRequest, Concern, CreateConcernRequest};
use tonic::Code;
use uuid::Uuid;

use crate::{GAOCHONG, NEIGHBOUR, casework, clerk, client, concern, report, rows};
use harness::Stage;

const THIRD: &str = "430112011213";

#[tokio::test]
async fn of_many_reports_at_once_those_with_a_number_already_given_are_refused_and_all_others_taken() {
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    let mut sent = Vec::new();
    for number in 0..60 {
        let village = if number % 2 == 0 { GAOCHONG } else { NEIGHBOUR };
        let mut clerk = client(&running, &stage.caller(Office::Clerk, village, &[]));
        // Every third wants the one number.
        let reference = if number % 3 == 0 { "12-1".to_owned() } else { String::new() };
        let concern = Concern { reference, ..concern(village) };
        let request = CreateConcernRequest { request_id: Uuid::now_v7().to_string(), ..report(concern, village) };
        sent.push(tokio::spawn(async move { (clerk.create_concern(request.clone()).await, request) }));
    }
    let (mut taken, mut refused) = (0, Vec::new());
    for one in sent {
        match one.await.unwrap() {
            (Ok(concern), request) => {
                assert!(concern.into_inner().name.starts_with(&request.parent));
                taken += 1;
            }
            (Err(status), request) => {
                assert_eq!(status.code(), Code::AlreadyExists);
                assert_eq!(request.concern.as_ref().unwrap().reference, "12-1");
                refused.push(request);
            }
        }
    }
    assert_eq!((taken, refused.len()), (42, 18));
    for table in ["concern", "move", "change_log", "request"] {
        let query = format!("select count(*) from {table}");
        rows(&running, Box::leak(query.into_boxed_str()), 42).await;
    }
    // What was refused may be sent again, put right.
    let mut again = refused.remove(0);
    again.concern.as_mut().unwrap().reference = "12-2".to_owned();
    let village = again.parent.strip_prefix("villages/").unwrap().to_owned();
    let mut clerk = client(&running, &stage.caller(Office::Clerk, &village, &[]));
    clerk.create_concern(again).await.unwrap();
}

#[tokio::test]
async fn of_many_who_accept_one_concern_at_once_one_does_and_the_others_are_told_so() {
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    let mut clerk = clerk(&stage, &running);
    let one = clerk.create_concern(report(concern(GAOCHONG), GAOCHONG)).await.unwrap().into_inner();
    let mut others = Vec::new();
    for _ in 0..20 {
        let other = clerk.create_concern(report(concern(GAOCHONG), GAOCHONG)).await.unwrap().into_inner();
        others.push(other);
    }
    let accept = |concern: &Concern| AcceptConcernRequest { name: concern.name.clone(), ..Default::default() };
    let sent: Vec<_> = (0..20)
        .flat_map(|place| [accept(&one), accept(&others[place])])
        .map(|request| {
            let mut clerk = clerk.clone();
            tokio::spawn(async move { (request.name.clone(), clerk.accept_concern(request).await) })
        })
        .collect();
    let mut accepted = 0;
    for one_sent in sent {
        match one_sent.await.unwrap() {
            (name, Ok(_)) => accepted += usize::from(name == one.name),
            (name, Err(status)) => {
                assert_eq!((name.as_str(), status.code()), (one.name.as_str(), Code::FailedPrecondition));
            }
        }
    }
    assert_eq!(accepted, 1);
    rows(&running, "select count(*) from concern where state = 'accepted'", 21).await;
}

#[tokio::test]
async fn a_transaction_for_two_villages_sees_these_and_no_other() {
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    for village in [GAOCHONG, NEIGHBOUR, THIRD] {
        let mut clerk = client(&running, &stage.caller(Office::Clerk, village, &[]));
        clerk.create_concern(report(concern(village), village)).await.unwrap();
    }
    let database = running.database.open(&stage.platform_config(&running.database.service_url));
    let seen = async |villages: &[&str]| -> Vec<String> {
        let scope = Scope::villages(villages.iter().map(|village| village.parse().unwrap()));
        let mut tx = database.begin(&scope).await.unwrap();
        sqlx::query_scalar("select village from concern order by village").fetch_all(&mut *tx).await.unwrap()
    };
    assert_eq!(seen(&[GAOCHONG, THIRD]).await, [GAOCHONG, THIRD]);
    assert_eq!(seen(&[NEIGHBOUR]).await, [NEIGHBOUR]);
    assert!(seen(&[]).await.is_empty());
    let scope = Scope::villages([GAOCHONG.parse().unwrap(), NEIGHBOUR.parse().unwrap()]);
    let mut tx = database.begin(&scope).await.unwrap();
    let moved = sqlx::query("update concern set village = '430112011213' where village = '430112011211'");
    assert!(moved.execute(&mut *tx).await.is_err(), "nothing is written outside either");
}
