//! Rosters on their way out: whole for the village office with a purpose, masked for others, and the same when they come
//! in again.

use std::path::Path;

use harness::Call;
use platform::Office;
use proto::platform::v1::{ImportProblem, ImportReport};
use proto::registry::v1::import_roster_response::Step;
use proto::registry::v1::*;
use tonic::{Code, Status};

use crate::support::{GAOCHONG, OTHER, World, create, date, household, mask};

const SHEETS: [&str; 7] = ["片区", "村民小组", "党小组", "微网格", "住户", "家庭成员", "商户"];

fn gaochong() -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/data/gaochong/roster.xlsx")).unwrap()
}

async fn import(world: &World, village: &str, content: Vec<u8>) -> ImportReport {
    let request = ImportRosterRequest {
        parent: format!("villages/{village}"),
        content: content.into(),
        ..ImportRosterRequest::default()
    };
    let mut answers = world.rosters(&world.clerk(village)).import_roster(request).await.unwrap().into_inner();
    while let Some(answer) = answers.message().await.unwrap() {
        if let Some(Step::Report(report)) = answer.step {
            return report;
        }
    }
    panic!("no report");
}

pub(crate) async fn export(world: &World, caller: &Call, request: ExportRosterRequest) -> Result<Vec<u8>, Status> {
    let mut answers = world.rosters(caller).export_roster(request).await?.into_inner();
    let mut file = Vec::new();
    while let Some(answer) = answers.message().await? {
        file.extend_from_slice(&answer.content);
    }
    Ok(file)
}

pub(crate) fn workbook(village: &str, purpose: &str) -> ExportRosterRequest {
    ExportRosterRequest { parent: format!("villages/{village}"), purpose: purpose.into(), ..Default::default() }
}

pub(crate) fn csv(village: &str, sheet: &str, purpose: &str) -> ExportRosterRequest {
    ExportRosterRequest { format: RosterFormat::Csv.into(), csv_sheet: sheet.into(), ..workbook(village, purpose) }
}

async fn audit(world: &World) -> Vec<(String, String, String, String)> {
    let mut owner = world.running.database.connect_as_owner().await;
    let rows = sqlx::query_as("select village, purpose, sheet, office from roster_export order by entry");
    rows.fetch_all(&mut owner).await.unwrap()
}

#[tokio::test]
async fn the_real_roster_comes_in_again_as_it_went_out() {
    let world = World::empty().await;
    let clerk = world.clerk(GAOCHONG);
    import(&world, GAOCHONG, gaochong()).await;
    // Something that a roster from a village does not say, and an export has to.
    let mut client = world.households(&clerk);
    let by_hand = Household {
        outside: true,
        kind: HouseholdKind::Relocated.into(),
        tags: vec!["低保".into(), "=1+1".into()],
        active_since: date(2023, 4, 1),
        ..household(GAOCHONG, "@9")
    };
    client.create_household(create(GAOCHONG, by_hand)).await.unwrap();

    let changes = world.changes().await;
    let file = export(&world, &clerk, workbook(GAOCHONG, "年度核对")).await.unwrap();
    let again = import(&world, GAOCHONG, file.clone()).await;
    assert_eq!(again.problems, []);
    let rows = [6, 28, 9, 75, 1187, 2717, 183];
    let unchanged: Vec<_> = again.sheets.iter().map(|one| (one.sheet.as_str(), one.unchanged)).collect();
    assert_eq!(unchanged, SHEETS.into_iter().zip(rows).collect::<Vec<_>>());
    assert!(again.sheets.iter().all(|one| one.unread_columns.is_empty()));
    assert_eq!(world.changes().await, changes);

    let elsewhere = import(&world, OTHER, file).await;
    assert_eq!((elsewhere.problems.as_slice(), elsewhere.sheets[4].created), ([].as_slice(), 1187));
    let other = world.clerk(OTHER);
    for sheet in SHEETS {
        let here = export(&world, &clerk, csv(GAOCHONG, sheet, "年度核对")).await.unwrap();
        let there = export(&world, &other, csv(OTHER, sheet, "年度核对")).await.unwrap();
        assert!(here.len() > 30 && here == there, "{sheet}");
        // And a sheet by itself is a roster too.
        let report = import(&world, GAOCHONG, here).await;
        assert_eq!((report.problems.as_slice(), report.sheets.len()), ([].as_slice(), 1));
        assert_eq!(report.sheets[0].unchanged, report.sheets[0].rows);
    }
    assert_eq!(world.changes().await, 2 * changes - 2);
}

#[tokio::test]
async fn whole_names_and_numbers_are_the_village_offices_and_leave_a_trace() {
    let world = World::new().await;
    let clerk = world.clerk(GAOCHONG);
    let mut client = world.households(&clerk);
    let known = Household {
        citizen_id: "999999199003070071".into(),
        telephone: "19000040001".into(),
        ..household(GAOCHONG, "00001")
    };
    client.create_household(create(GAOCHONG, known)).await.unwrap();
    let officer = world.stage.caller(Office::Officer, "430112011", &[]);
    for caller in [&clerk, &officer] {
        let masked = export(&world, caller, csv(GAOCHONG, "住户", "")).await.unwrap();
        let masked = String::from_utf8(masked).unwrap();
        assert!(masked.contains("00001,张**,999999********0071,190****0001"), "{masked}");
        assert!(!masked.contains("三丰") && !masked.contains("第1村民小组1号"), "{masked}");
    }
    assert_eq!(audit(&world).await, []);
    let whole = String::from_utf8(export(&world, &clerk, csv(GAOCHONG, "住户", "核对")).await.unwrap()).unwrap();
    assert!(whole.contains("00001,张三丰,999999199003070071,19000040001"), "{whole}");
    assert_eq!(audit(&world).await, [(GAOCHONG.into(), "核对".into(), "住户".into(), "clerk".into())]);

    let refused = export(&world, &officer, workbook(GAOCHONG, "核对")).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    for caller in [world.clerk(OTHER), world.stage.caller(Office::Clerk, GAOCHONG, &["001"])] {
        assert_eq!(export(&world, &caller, workbook(GAOCHONG, "")).await.unwrap_err().code(), Code::PermissionDenied);
    }
    for request in [csv(GAOCHONG, "", ""), csv(GAOCHONG, "走访", ""), workbook(GAOCHONG, "张**")] {
        assert_eq!(export(&world, &clerk, request).await.unwrap_err().code(), Code::InvalidArgument);
    }
    assert_eq!(audit(&world).await.len(), 1);
}

#[tokio::test]
async fn what_is_masked_in_a_roster_stays_as_it_is_and_nobody_new_is_called_so() {
    let world = World::empty().await;
    let clerk = world.clerk(GAOCHONG);
    import(&world, GAOCHONG, gaochong()).await;
    let before = export(&world, &clerk, csv(GAOCHONG, "家庭成员", "核对")).await.unwrap();
    let changes = world.changes().await;
    let masked = export(&world, &clerk, workbook(GAOCHONG, "")).await.unwrap();
    let report = import(&world, GAOCHONG, masked.clone()).await;
    assert_eq!(report.problems, []);
    assert!(report.sheets.iter().all(|one| one.unchanged == one.rows), "{:?}", report.sheets);
    assert_eq!(world.changes().await, changes);
    assert_eq!(export(&world, &clerk, csv(GAOCHONG, "家庭成员", "核对")).await.unwrap(), before);

    // Somebody else by now, whom the mask does not fit.
    let mut client = world.households(&clerk);
    let request = ListHouseholdsRequest { parent: format!("villages/{GAOCHONG}"), ..Default::default() };
    let first = client.list_households(request).await.unwrap().into_inner().households.remove(0);
    let renamed = Household { head_name: "欧阳".into(), ..first };
    let update =
        UpdateHouseholdRequest { household: Some(renamed), update_mask: mask(&["head_name"]), ..Default::default() };
    client.update_household(update).await.unwrap();
    let report = import(&world, GAOCHONG, masked.clone()).await;
    let told: Vec<_> = report.problems.iter().map(|one| (one.row, one.column.as_str(), one.reason.as_str())).collect();
    assert_eq!(told, [(2, "户主姓名", "MASKED")]);

    let report = import(&world, OTHER, masked).await;
    let [households, residents, merchants] = [4, 5, 6].map(|sheet| &report.sheets[sheet]);
    assert_eq!((households.refused, residents.refused, merchants.refused), (1186, 2717, 183));
}

#[tokio::test]
async fn a_workbook_comes_back_with_its_bad_cells_marked() {
    let world = World::new().await;
    let content = "户编号,户主姓名,住户类型,微网格编号\n00001,张三,原住户,099\n".as_bytes().to_vec();
    let report = import(&world, GAOCHONG, content.clone()).await;
    assert_eq!(report.problems.len(), 1);
    let clerk = world.clerk(GAOCHONG);
    let request = MarkRosterRequest {
        parent: format!("villages/{GAOCHONG}"),
        content: content.clone().into(),
        problems: report.problems,
    };
    let mut answers = world.rosters(&clerk).mark_roster(request.clone()).await.unwrap().into_inner();
    let mut file = Vec::new();
    while let Some(answer) = answers.message().await.unwrap() {
        file.extend_from_slice(&answer.content);
    }
    // It is the same roster, with the same thing wrong.
    let report = import(&world, GAOCHONG, file).await;
    let told: Vec<_> = report.problems.iter().map(|one| (one.row, one.column.as_str(), one.reason.as_str())).collect();
    assert_eq!(told, [(2, "微网格编号", "UNKNOWN_GRID")]);

    for request in [
        MarkRosterRequest { problems: Vec::new(), ..request.clone() },
        MarkRosterRequest { content: vec![0; 9].into(), ..request.clone() },
        MarkRosterRequest { problems: vec![ImportProblem { row: -1, ..ImportProblem::default() }], ..request.clone() },
    ] {
        let refused = world.rosters(&clerk).mark_roster(request).await.map(|_| ()).unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument);
    }
    let refused = world.rosters(&world.clerk(OTHER)).mark_roster(request).await.map(|_| ()).unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
}
