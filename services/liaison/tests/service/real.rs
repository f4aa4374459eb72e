//! The real workbooks of 高冲村, with the registry's news made out of the same file.

use std::time::Instant;

use platform::Office;
use proto::liaison::v1 as pb;
use proto::registry::v1::{GridChanged, HouseholdChanged, HouseholdKind, LineKind};
use workbook::{Column, Limits, Workbook};

use crate::stand::{GAOCHONG, Stand, grid_news, household_news, outcome, text};

const GRIDS: &[Column] = &[Column::required("微网格编号"), Column::required("联户主线")];
const HOUSEHOLDS: &[Column] =
    &[Column::required("户编号"), Column::required("住户类型"), Column::required("微网格编号")];
const KINDS: &[(&str, HouseholdKind)] = &[
    ("原住户", HouseholdKind::Original),
    ("已拆迁户", HouseholdKind::Relocated),
    ("重建地户", HouseholdKind::RebuiltArea),
    ("租住户", HouseholdKind::Tenant),
];
const LINES: &[(&str, LineKind)] = &[("主线一", LineKind::Relocated), ("主线二", LineKind::Rebuilt)];

fn file(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/../../deploy/data/gaochong/{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn news() -> (Vec<GridChanged>, Vec<HouseholdChanged>) {
    let mut book = Workbook::open(file("roster.xlsx"), &Limits::default()).unwrap();
    let grids = book.sheet("微网格", GRIDS, |row| {
        let (code, line) = (row.digits("微网格编号", 3), row.choice("联户主线", LINES));
        Some(grid_news(GAOCHONG, &code?, line?))
    });
    let households = book.sheet("住户", HOUSEHOLDS, |row| {
        let (number, kind) = (row.code("户编号"), row.choice("住户类型", KINDS));
        let grid = row.digits("微网格编号", 3);
        Some(household_news(GAOCHONG, &number?, &grid?, kind?))
    });
    let values = |rows: Vec<(u32, GridChanged)>| rows.into_iter().map(|(_, news)| news).collect();
    (values(grids.unwrap().1.good), households.unwrap().1.good.into_iter().map(|(_, news)| news).collect())
}

#[tokio::test]
async fn the_real_roster_and_ledger_make_every_team_complete_and_every_household_linked() {
    let stand = Stand::new().await;
    let mut operator = stand.desk(Office::Operator, GAOCHONG, &[]);
    let (grids, households) = news();

    // Before the news, grids are not known; a check takes them from the file.
    let early = operator.import_roster(file("roster.xlsx"), true).await;
    assert_eq!((outcome(&early, "三人组"), early.problems.len()), ([75, 0, 75, 0, 0], 0));

    let begun = Instant::now();
    stand.registry.tells(&households).await;
    stand.registry.tells(&grids).await;
    stand.knows(GAOCHONG, 75, 1186).await;
    eprintln!("news of 1,186 households read in {:?}", begun.elapsed());

    let check = operator.import_roster(file("roster.xlsx"), true).await;
    assert_eq!(outcome(&check, "三人组"), [75, 0, 75, 0, 0]);
    assert_eq!(stand.count("select count(*) from member").await, 0, "a check writes nothing");

    let begun = Instant::now();
    let report = operator.import_roster(file("roster.xlsx"), false).await;
    eprintln!("roster imported in {:?}", begun.elapsed());
    assert!(report.problems.is_empty(), "{:?}", report.problems);
    assert_eq!(outcome(&report, "片区"), [6, 6, 0, 0, 0]);
    assert_eq!(outcome(&report, "村民代表"), [75, 75, 0, 0, 0]);
    assert_eq!(outcome(&report, "三人组"), [75, 0, 75, 0, 0]);
    for as_of in [None, Some("2023-03-01")] {
        let covered = operator.covered(GAOCHONG, as_of).await;
        assert_eq!((covered.households, covered.linked, covered.coverage), (1186, 1186, Some(1.0)));
        assert_eq!((covered.teams, covered.teams_complete), (75, 75));
        assert_eq!((covered.lines[0].linked, covered.lines[1].linked), (645, 541));
    }
    assert!(
        operator.covered(GAOCHONG, Some("2023-02-10")).await.linked < 1186,
        "the elections lasted until 21 February"
    );

    let changes = stand.count("select count(*) from change_log").await;
    let again = operator.import_roster(file("roster.xlsx"), false).await;
    for sheet in ["片区", "村民小组", "党小组", "网格员", "村民代表", "三人组"] {
        let [rows, _, _, unchanged, _] = outcome(&again, sheet);
        assert_eq!(rows, unchanged, "{sheet}");
    }
    assert_eq!(stand.count("select count(*) from change_log").await, changes);

    let begun = Instant::now();
    let ledger = operator.import_ledger(file("ledger.xlsx"), false).await;
    eprintln!("ledger imported in {:?}", begun.elapsed());
    assert!(ledger.problems.is_empty(), "{:?}", ledger.problems.first());
    assert_eq!(outcome(&ledger, "走访"), [912, 912, 0, 0, 0]);
    let again = operator.import_ledger(file("ledger.xlsx"), false).await;
    assert_eq!(outcome(&again, "走访"), [912, 0, 0, 912, 0]);
    assert_eq!(stand.count("select count(*) from visit").await, 912);
    assert_eq!(stand.count("select sum(persons) from visit").await, 912);

    let mut officer = stand.desk(Office::Officer, "430112011", &[]);
    let request = pb::ListVisitsRequest {
        parent: format!("villages/{GAOCHONG}"),
        filter: Some(pb::VisitFilter { mode: pb::VisitMode::Wechat.into(), ..Default::default() }),
        ..Default::default()
    };
    let visits = officer.visits.list_visits(request).await.unwrap().into_inner().visits;
    assert_eq!(visits.len(), 65);
    assert!(visits.iter().all(|visit| text(visit.visited_on).as_str() <= "2023-06-01"));
}
