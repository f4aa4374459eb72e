//! A village that was archived: read as before, written by nobody, and no news of it is too late.

use harness::{Running, Stage};
use platform::Office;
use proto::casework::v1::catalog_service_client::CatalogServiceClient;
use proto::casework::v1::{
    AcceptConcernRequest, Calendar, CalendarDay, CalendarDayKind, CreateMatterTypeRequest, Deadline,
    ListConcernsRequest, ListDeadlinesRequest, Matter, MatterType, UpdateCalendarRequest, UpdateDeadlineRequest,
    Urgency,
};
use proto::google::r#type::Date;
use proto::registry::v1::{GridState, VillageChanged, VillageState};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::{GAOCHONG, NEIGHBOUR, News, casework, clerk, client, concern, get, report, rows};

pub(crate) async fn archive(running: &Running, news: &News) {
    let archived = VillageChanged {
        name: format!("villages/{GAOCHONG}"),
        revision: 2,
        state: VillageState::Archived.into(),
        ..Default::default()
    };
    news.registry.tells(&[archived]).await;
    rows(running, "select count(*) from village where state = 'archived'", 1).await;
}

pub(crate) fn refused<T: std::fmt::Debug>(answer: Result<T, Status>) {
    let status = answer.unwrap_err();
    let reason = status.get_details_error_info().map(|info| info.reason).unwrap_or_default();
    assert_eq!((status.code(), reason.as_str()), (Code::FailedPrecondition, "VILLAGE_ARCHIVED"), "{status:?}");
}

#[tokio::test]
async fn an_archived_village_is_read_and_not_written() {
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    let mut clerk = clerk(&stage, &running);
    let news = News::known(&stage, &running, GAOCHONG).await;
    let taken = clerk.create_concern(report(concern(GAOCHONG), GAOCHONG)).await.unwrap().into_inner();
    archive(&running, &news).await;

    // Whatever comes at once from next door is done.
    let mut neighbour = client(&running, &stage.caller(Office::Clerk, NEIGHBOUR, &[]));
    let mut colleague = clerk.clone();
    let (here, next_door) = tokio::join!(
        colleague.create_concern(report(concern(GAOCHONG), GAOCHONG)),
        neighbour.create_concern(report(concern(NEIGHBOUR), NEIGHBOUR)),
    );
    refused(here);
    next_door.unwrap();
    let accept = AcceptConcernRequest { name: taken.name.clone(), ..Default::default() };
    refused(clerk.accept_concern(accept).await);
    assert_eq!(get(&mut clerk, &taken.name).await.unwrap(), taken);
    let list = ListConcernsRequest { parent: format!("villages/{GAOCHONG}"), ..Default::default() };
    assert_eq!(clerk.list_concerns(list).await.unwrap().into_inner().concerns, [taken]);
}

#[tokio::test]
async fn what_a_village_lays_down_stands_when_it_is_archived() {
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    let news = News::known(&stage, &running, GAOCHONG).await;
    archive(&running, &news).await;
    let parent = format!("villages/{GAOCHONG}");
    let caller = stage.caller(Office::Operator, GAOCHONG, &[]);
    let mut catalog = CatalogServiceClient::with_interceptor(running.channel(), caller);
    let asked = ListDeadlinesRequest { parent: parent.clone() };
    let deadline = catalog.list_deadlines(asked.clone()).await.unwrap().into_inner().deadlines.remove(0);
    let changed = Deadline { resolution_hours: deadline.resolution_hours + 1, ..deadline.clone() };
    let change = UpdateDeadlineRequest { deadline: Some(changed), ..Default::default() };
    refused(catalog.update_deadline(change).await);
    assert_eq!(catalog.list_deadlines(asked).await.unwrap().into_inner().deadlines[0], deadline);

    let made = MatterType {
        matter: Matter::Environment.into(),
        title: "塘堰".into(),
        urgency: Urgency::Normal.into(),
        ..Default::default()
    };
    let make = CreateMatterTypeRequest {
        parent: parent.clone(),
        matter_type: Some(made),
        matter_type_id: "tang".into(),
        ..Default::default()
    };
    refused(catalog.create_matter_type(make).await);
    let day = CalendarDay {
        date: Some(Date { year: 2027, month: 1, day: 1 }),
        kind: CalendarDayKind::Holiday.into(),
        title: "元旦".into(),
    };
    for days in [vec![day], vec![]] {
        let calendar = Calendar { place: parent.clone(), year: 2027, days, ..Calendar::default() };
        refused(
            catalog.update_calendar(UpdateCalendarRequest { calendar: Some(calendar), ..Default::default() }).await,
        );
    }
}

#[tokio::test]
async fn news_that_comes_late_to_an_archived_village_is_taken_as_any_other() {
    let stage = Stage::new().await;
    let running = casework(&stage).await;
    let mut clerk = clerk(&stage, &running);
    let taken = clerk.create_concern(report(concern(GAOCHONG), GAOCHONG)).await.unwrap().into_inner();
    let news = News::of(&stage).await;
    archive(&running, &news).await;
    news.household(GAOCHONG, "027").await;
    news.team(GAOCHONG, "027").await;
    rows(&running, "select count(*) from concern where routed", 1).await;
    assert!(get(&mut clerk, &taken.name).await.unwrap().routed);
    news.grid(GAOCHONG, "027", GridState::Active, 1).await;
    rows(&running, "select count(*) from grid", 1).await;
    rows(&running, "select count(*) from dead_letter", 0).await;
}
