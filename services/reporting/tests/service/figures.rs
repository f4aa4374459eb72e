//! What is counted, for whom.

use harness::Stage;
use platform::Office;
use proto::casework::v1::{ConcernState, Matter};
use proto::registry::v1::{VillageChanged, VillageState};
use proto::reporting::v1::{ConcernMatterCount, ConcernStateCount, FigureSet};
use tonic::Code;

use crate::village::Village;
use crate::{GAOCHONG, NEIGHBOUR, Owners, SUBDISTRICT, day, figures, officer, reporting, rows};

/// Everything the small village's news adds up to, in May 2023.
fn may(place: &str, display_name: &str, villages: i32) -> FigureSet {
    let state = |state: ConcernState, count| ConcernStateCount { state: state.into(), count: count * villages };
    let matter = |matter: Matter, count| ConcernMatterCount { matter: matter.into(), count: count * villages };
    FigureSet {
        place: place.into(),
        display_name: display_name.into(),
        grids: 2 * villages,
        representatives: 2 * villages,
        households: 2 * villages,
        households_linked: villages,
        coverage: 0.5,
        teams: 2 * villages,
        teams_complete: villages,
        merchants: villages,
        visits: 2 * villages,
        person_visits: 3 * villages,
        households_visited: villages,
        concerns_reported: 2 * villages,
        concerns_by_state: vec![state(ConcernState::Resolved, 1), state(ConcernState::Closed, 1)],
        concerns_by_matter: vec![
            matter(Matter::ResidentAffairs, 1),
            matter(Matter::BusinessAffairs, 0),
            matter(Matter::Environment, 1),
            matter(Matter::OutreachEducation, 0),
        ],
        concerns_resolved: 3 * villages,
        concerns_closed: villages,
        concerns_followed_up: 2 * villages,
        concerns_answered: villages,
        concerns_confirmed: 0,
        demands_opened: villages,
        concerns_in_demands: 4 * villages,
        demands_answered: villages,
        archived: false,
    }
}

#[tokio::test]
async fn villages_and_their_sub_district_are_counted_over_a_period() {
    let stage = Stage::new().await;
    let running = reporting(&stage).await;
    let owners = Owners::of(&stage).await;
    for code in [GAOCHONG, NEIGHBOUR] {
        Village::small(code).tell(&owners, false).await;
    }
    // A village of another sub-district, which counts nowhere here.
    Village::small("430112012211").tell(&owners, false).await;
    rows(&running, "select count(*) from merchant where revision = 2", 3).await;
    rows(&running, "select count(*) from visit", 9).await;
    rows(&running, "select count(*) from concern", 12).await;
    rows(&running, "select count(*) from demand where state <> 'open'", 9).await;

    let period = (day(2023, 5, 1), day(2023, 5, 31));
    let village = format!("villages/{GAOCHONG}");
    let answer = figures(&running, &officer(&stage), &village, period).await.unwrap();
    assert_eq!(answer.total.unwrap(), may(&village, "高冲村", 1));
    assert!(answer.villages.is_empty());

    let subdistrict = format!("subdistricts/{SUBDISTRICT}");
    let answer = figures(&running, &officer(&stage), &subdistrict, period).await.unwrap();
    assert_eq!(answer.total.unwrap(), may(&subdistrict, "", 2));
    let neighbour = may(&format!("villages/{NEIGHBOUR}"), "高冲村", 1);
    assert_eq!(answer.villages, [may(&village, "高冲村", 1), neighbour]);
    assert_eq!((answer.start_date, answer.end_date), period);

    let always = figures(&running, &officer(&stage), &village, (None, None)).await.unwrap().total.unwrap();
    assert_eq!((always.visits, always.person_visits, always.households_visited), (3, 7, 2));
    assert_eq!((always.concerns_reported, always.concerns_resolved, always.concerns_confirmed), (4, 3, 1));
    assert_eq!((always.demands_opened, always.concerns_in_demands, always.demands_answered), (2, 9, 2));
}

#[tokio::test]
async fn an_archived_village_keeps_its_figures_and_is_marked() {
    let stage = Stage::new().await;
    let running = reporting(&stage).await;
    let owners = Owners::of(&stage).await;
    for code in [GAOCHONG, NEIGHBOUR] {
        Village::small(code).tell(&owners, false).await;
    }
    let village = format!("villages/{GAOCHONG}");
    let archived = VillageChanged {
        name: village.clone(),
        revision: 3,
        display_name: "高冲村".into(),
        state: VillageState::Archived.into(),
        ..Default::default()
    };
    owners.registry.tells(&[archived]).await;
    rows(&running, "select count(*) from village where archived", 1).await;
    rows(&running, "select count(*) from merchant where revision = 2", 2).await;
    rows(&running, "select count(*) from visit", 6).await;
    rows(&running, "select count(*) from concern", 8).await;

    let period = (day(2023, 5, 1), day(2023, 5, 31));
    let marked = FigureSet { archived: true, ..may(&village, "高冲村", 1) };
    let own = figures(&running, &officer(&stage), &village, period).await.unwrap().total.unwrap();
    assert_eq!(own, marked);
    let subdistrict = format!("subdistricts/{SUBDISTRICT}");
    let all = figures(&running, &officer(&stage), &subdistrict, period).await.unwrap();
    assert_eq!(all.total.unwrap(), may(&subdistrict, "", 2));
    assert_eq!(all.villages, [marked, may(&format!("villages/{NEIGHBOUR}"), "高冲村", 1)]);
}

#[tokio::test]
async fn figures_of_a_place_are_for_those_who_answer_for_all_of_it() {
    let stage = Stage::new().await;
    let running = reporting(&stage).await;
    let always = (None, None);
    let (village, subdistrict) = (format!("villages/{GAOCHONG}"), format!("subdistricts/{SUBDISTRICT}"));
    for (office, scope, grids, parent, expected) in [
        (Office::Clerk, GAOCHONG, &[][..], &village, Code::Ok),
        (Office::Cadre, GAOCHONG, &["027"][..], &village, Code::PermissionDenied),
        (Office::Representative, GAOCHONG, &["027"][..], &village, Code::PermissionDenied),
        (Office::Clerk, NEIGHBOUR, &[][..], &village, Code::PermissionDenied),
        (Office::Clerk, GAOCHONG, &[][..], &subdistrict, Code::PermissionDenied),
        (Office::Officer, SUBDISTRICT, &[][..], &subdistrict, Code::Ok),
        (Office::Officer, "430112012", &[][..], &subdistrict, Code::PermissionDenied),
    ] {
        let answer = figures(&running, &stage.caller(office, scope, grids), parent, always).await;
        let code = answer.map_or_else(|refused| refused.code(), |_| Code::Ok);
        assert_eq!(code, expected, "{office:?} of {scope} {grids:?} asks for {parent}");
    }
}

#[tokio::test]
async fn a_period_that_ends_before_it_begins_is_refused_by_field() {
    let stage = Stage::new().await;
    let running = reporting(&stage).await;
    let period = (day(2023, 5, 2), day(2023, 5, 1));
    let refused = figures(&running, &officer(&stage), "county", period).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument);
    assert!(refused.message().contains("parent") && refused.message().contains("end_date"), "{refused}");
}

#[tokio::test]
async fn a_village_of_which_nothing_is_known_has_nothing_and_lacks_nothing() {
    let stage = Stage::new().await;
    let running = reporting(&stage).await;
    let answer = figures(&running, &officer(&stage), &format!("villages/{GAOCHONG}"), (None, None)).await.unwrap();
    let total = answer.total.unwrap();
    assert_eq!((total.households, total.concerns_by_matter.len()), (0, 4));
    assert!((total.coverage - 1.0).abs() < f64::EPSILON);
}
