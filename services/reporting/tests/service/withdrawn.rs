//! Visits that liaison takes back.

use harness::Stage;
use proto::google::r#type::Date;
use proto::liaison::v1::{VisitChanged, VisitState};
use proto::registry::v1::VillageChanged;

use crate::{GAOCHONG, Owners, day, figures, officer, reporting, rows};

#[tokio::test]
async fn a_withdrawn_visit_counts_nowhere_and_older_news_does_not_bring_it_back() {
    let stage = Stage::new().await;
    let running = reporting(&stage).await;
    let owners = Owners::of(&stage).await;
    let village = VillageChanged { name: format!("villages/{GAOCHONG}"), revision: 1, ..Default::default() };
    owners.registry.tells(&[village]).await;
    let visit = |last: u8, revision, state: VisitState| VisitChanged {
        name: format!("villages/{GAOCHONG}/visits/018f5e9e-0000-7000-8000-{last:012}"),
        revision,
        household: format!("villages/{GAOCHONG}/households/018f5e9e-0000-7000-8000-000000000001"),
        visited_on: Some(Date { year: 2023, month: 5, day: 1 }),
        persons: 2,
        state: state.into(),
        ..Default::default()
    };
    // The withdrawal of the first comes before the news that it was logged; the second is from before states were told.
    owners.liaison.tells(&[visit(1, 2, VisitState::Withdrawn), visit(2, 1, VisitState::Unspecified)]).await;
    owners.liaison.tells(&[visit(1, 1, VisitState::Logged), visit(3, 1, VisitState::Logged)]).await;
    rows(&running, "select count(*) from visit", 3).await;
    let period = (day(2023, 5, 1), day(2023, 5, 31));
    let counted = figures(&running, &officer(&stage), &format!("villages/{GAOCHONG}"), period).await.unwrap();
    let counted = counted.total.unwrap();
    assert_eq!((counted.visits, counted.person_visits, counted.households_visited), (2, 4, 1));
}
