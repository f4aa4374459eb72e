//! A roster of a village that is known already: what it corrects, what it keeps, and who may bring it in.

use std::collections::BTreeMap;

use platform::Office;
use proto::registry::v1::*;
use tonic::Code;
use workbook::{Table, write};

use super::{counts, import, small, spoilt};
use crate::support::{GAOCHONG, OTHER, World, create, household};

#[tokio::test]
async fn what_the_sheet_says_is_corrected_and_what_it_does_not_say_is_kept() {
    let world = World::empty().await;
    let clerk = world.clerk(GAOCHONG);
    import(&world, &clerk, GAOCHONG, write(&small()).unwrap()).await.unwrap();
    let mut client = world.households(&clerk);
    let listed = ListHouseholdsRequest { parent: format!("villages/{GAOCHONG}"), ..Default::default() };
    let before = client.list_households(listed.clone()).await.unwrap().into_inner().households;

    let headings = ["户编号", "户主姓名", "住户类型", "微网格编号", "标签", "联系电话", "最近核实日期"];
    let mut households = Table::new("住户", &headings);
    let row = ["00001", "张三", "原住户", "001", "低保", "", "2022-01-01"];
    households.push(row.iter().map(|cell| (*cell).into()).collect());
    let mut residents = Table::new("家庭成员", &["户编号", "姓名", "与户主关系", "证件号码"]);
    residents.push(vec!["00001".into(), "王五".into(), "妻".into(), "".into()]);
    residents.push(vec!["00001".into(), "张小".into(), "子".into(), "999999199003070039".into()]);
    let mut merchants = Table::new("商户", &["商户名称", "统一社会信用代码", "房东户编号"]);
    merchants.push(vec!["佳旺店".into(), "91999999MA0000023Y".into(), "00002".into()]);
    let report = import(&world, &clerk, GAOCHONG, write(&[households, residents, merchants]).unwrap()).await.unwrap();
    assert_eq!(report.problems, []);
    let updated = [("住户", [0, 1, 0, 0]), ("家庭成员", [0, 2, 0, 0]), ("商户", [0, 1, 0, 0])];
    assert_eq!(counts(&report), BTreeMap::from(updated));

    let after = client.list_households(listed).await.unwrap().into_inner().households;
    let expected = Household {
        tags: vec!["低保".into()],
        etag: "2".into(),
        update_time: after[0].update_time,
        ..before[0].clone()
    };
    assert_eq!(after, [expected, before[1].clone()]);
    let people = ListResidentsRequest { parent: before[0].name.clone(), ..Default::default() };
    let people = client.list_residents(people).await.unwrap().into_inner().residents;
    let numbers: Vec<_> = people.iter().map(|one| (one.relation.as_str(), one.citizen_id.as_str())).collect();
    assert_eq!(numbers, [("妻", "999999********008X"), ("子", "999999********0039")]);
}

#[tokio::test]
async fn two_members_of_one_name_are_two_people() {
    let world = World::empty().await;
    let clerk = world.clerk(GAOCHONG);
    let twins: &[&[&str]] =
        &[&["00002", "王双", "女", "999999199003070039"], &["00002", "王双", "女", "999999199003070098"]];
    let content = spoilt("家庭成员", twins);
    for expected in [[4, 0, 0, 0], [0, 0, 4, 0]] {
        let report = import(&world, &clerk, GAOCHONG, content.clone()).await.unwrap();
        assert_eq!(counts(&report)["家庭成员"], expected, "{:?}", report.problems);
    }
}

#[tokio::test]
async fn a_household_that_was_entered_by_hand_is_found_again_by_its_number() {
    let world = World::new().await;
    let clerk = world.clerk(GAOCHONG);
    let mut client = world.households(&clerk);
    let made = client.create_household(create(GAOCHONG, household(GAOCHONG, "00001"))).await.unwrap().into_inner();
    let report = import(&world, &clerk, GAOCHONG, write(&small()).unwrap()).await.unwrap();
    assert_eq!(counts(&report)["住户"], [1, 1, 0, 0]);
    let read = client.get_household(GetHouseholdRequest { name: made.name }).await.unwrap().into_inner();
    assert_eq!((read.active_since, read.registered_persons, read.etag.as_str()), (made.active_since, 3, "2"));
}

#[tokio::test]
async fn a_roster_is_brought_in_by_those_who_answer_for_the_whole_village() {
    let world = World::new().await;
    let content = write(&small()).unwrap();
    for caller in [
        world.clerk(OTHER),
        world.stage.caller(Office::Clerk, GAOCHONG, &["001"]),
        world.stage.caller(Office::Cadre, GAOCHONG, &[]),
    ] {
        let refused = import(&world, &caller, GAOCHONG, content.clone()).await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionDenied);
    }
    let operator = world.stage.caller(Office::Operator, "430112011", &[]);
    let refused = import(&world, &operator, "430112011213", content.clone()).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);

    // The other village's roster with the same numbers leaves this one's alone.
    import(&world, &operator, GAOCHONG, content.clone()).await.unwrap();
    let before = world.changes().await;
    let report = import(&world, &operator, OTHER, content).await.unwrap();
    assert_eq!(counts(&report)["住户"], [2, 0, 0, 0]);
    let request = ListHouseholdsRequest { parent: format!("villages/{GAOCHONG}"), ..Default::default() };
    let here = world.households(&world.clerk(GAOCHONG)).list_households(request).await.unwrap().into_inner();
    assert!(here.households.iter().all(|one| one.etag == "1"));
    assert!(world.changes().await > before);
}
