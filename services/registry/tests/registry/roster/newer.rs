//! What villages have come to know beside their old rosters: Party membership, care, pension certification. It goes out
//! and comes in again, and nothing is lost on the way.

use proto::registry::v1::*;
use workbook::{Table, write};

use super::{counts, import, problems, small};
use crate::exports::{csv, export, workbook};
use crate::lives::because;
use crate::support::{GAOCHONG, OTHER, World, create, date, mask, rebuilt};

fn table(name: &str, headings: &[&str], rows: &[&[&str]]) -> Table {
    let mut table = Table::new(name, headings);
    rows.iter().for_each(|row| table.push(row.iter().map(|cell| (*cell).into()).collect()));
    table
}

async fn households(world: &World, village: &str) -> Vec<Household> {
    let request = ListHouseholdsRequest { parent: format!("villages/{village}"), ..Default::default() };
    world.households(&world.clerk(village)).list_households(request).await.unwrap().into_inner().households
}

async fn residents(world: &World, village: &str) -> Vec<Resident> {
    let request = ListResidentsRequest { parent: format!("villages/{village}/households/-"), ..Default::default() };
    world.households(&world.clerk(village)).list_residents(request).await.unwrap().into_inner().residents
}

async fn merchants(world: &World, village: &str) -> Vec<Merchant> {
    let request = ListMerchantsRequest { parent: format!("villages/{village}"), ..Default::default() };
    world.merchants(&world.clerk(village)).list_merchants(request).await.unwrap().into_inner().merchants
}

/// Everything that a village knows, without what only the records of one village have: names, revisions, times.
async fn known(world: &World, village: &str) -> (Vec<Household>, Vec<(String, Resident)>, Vec<(String, Merchant)>) {
    let last = |name: &str| name.rsplit('/').next().unwrap_or_default().to_owned();
    let households = households(world, village).await;
    let number = |name: &str| {
        let home = name.split("/residents/").next().unwrap();
        households.iter().find(|one| one.name == home).unwrap().number.clone()
    };
    let residents = residents(world, village).await.into_iter().map(|one| {
        let bare =
            Resident { name: String::new(), etag: String::new(), create_time: None, update_time: None, ..one.clone() };
        (number(&one.name), bare)
    });
    let merchants = merchants(world, village).await.into_iter().map(|one| {
        let landlord = number(&one.landlord);
        let bare = Merchant { name: String::new(), landlord: String::new(), etag: String::new(), ..one };
        (landlord, Merchant { create_time: None, update_time: None, ..bare })
    });
    let (residents, merchants) = (residents.collect(), merchants.collect());
    let households = households.iter().map(|one| Household {
        name: String::new(),
        grid: last(&one.grid),
        villager_group: last(&one.villager_group),
        etag: String::new(),
        create_time: None,
        update_time: None,
        ..one.clone()
    });
    (households.collect(), residents, merchants)
}

/// Changes everything that can be changed of one household, one resident, one merchant; one household is away, another
/// demolished.
async fn change_everything(world: &World) {
    let clerk = world.clerk(GAOCHONG);
    let mut client = world.households(&clerk);
    let all = households(world, GAOCHONG).await;
    let household = Household {
        head_name: "张三石".into(),
        citizen_id: "999999199003070098".into(),
        telephone: "0731-81234567".into(),
        registered_persons: 5,
        villager_group: String::new(),
        kind: HouseholdKind::Relocated.into(),
        address: "高冲村第1村民小组8号".into(),
        current_address: "月亮岛路小区8期13栋".into(),
        outside: true,
        tags: vec!["慢病".into(), "独居".into(), "=1+1".into()],
        verified_on: date(2024, 2, 29),
        active_since: date(2023, 4, 1),
        head_party_member: true,
        head_pension_due_on: date(2025, 6, 30),
        ..all[0].clone()
    };
    let paths = [
        "head_name",
        "citizen_id",
        "telephone",
        "registered_persons",
        "villager_group",
        "kind",
        "address",
        "current_address",
        "outside",
        "tags",
        "verified_on",
        "active_since",
        "head_party_member",
        "head_pension_due_on",
    ];
    let update =
        UpdateHouseholdRequest { household: Some(household), update_mask: mask(&paths), request_id: String::new() };
    client.update_household(update).await.unwrap();
    for (number, state) in [("00003", HouseholdState::Away), ("00004", HouseholdState::Demolished)] {
        let made = client.create_household(create(GAOCHONG, rebuilt(GAOCHONG, number))).await.unwrap().into_inner();
        let change = ChangeHouseholdStateRequest {
            name: made.name,
            state: state.into(),
            occasion: because("如实登记"),
            ..Default::default()
        };
        client.change_household_state(change).await.unwrap();
    }
    let resident = Resident {
        display_name: "王五妹".into(),
        relation: "儿媳".into(),
        citizen_id: "999999199003070047".into(),
        telephone: "19000040003".into(),
        party_member: true,
        tags: vec!["残疾".into(), "低保".into()],
        pension_due_on: date(2025, 12, 31),
        ..residents(world, GAOCHONG).await.remove(0)
    };
    let paths = ["display_name", "relation", "citizen_id", "telephone", "party_member", "tags", "pension_due_on"];
    let update =
        UpdateResidentRequest { resident: Some(resident), update_mask: mask(&paths), request_id: String::new() };
    client.update_resident(update).await.unwrap();
    let merchant = Merchant {
        display_name: "兴达餐饮店".into(),
        credit_code: "91999999MA0000023Y".into(),
        operator_name: "孟红雨".into(),
        telephone: "19000042690".into(),
        trade: "餐饮".into(),
        address: "腾飞路安置区7栋1层".into(),
        licence_expires_on: date(2027, 1, 9),
        ..merchants(world, GAOCHONG).await.remove(0)
    };
    let paths = ["display_name", "credit_code", "operator_name", "telephone", "trade", "address", "licence_expires_on"];
    let update =
        UpdateMerchantRequest { merchant: Some(merchant), update_mask: mask(&paths), request_id: String::new() };
    world.merchants(&clerk).update_merchant(update).await.unwrap();
}

#[tokio::test]
async fn whatever_was_entered_by_hand_goes_out_and_comes_in_again() {
    let world = World::empty().await;
    let (clerk, other) = (world.clerk(GAOCHONG), world.clerk(OTHER));
    import(&world, &clerk, GAOCHONG, write(&small()).unwrap()).await.unwrap();
    change_everything(&world).await;

    let file = export(&world, &clerk, workbook(GAOCHONG, "年度核对")).await.unwrap();
    let changes = world.changes().await;
    let again = import(&world, &clerk, GAOCHONG, file.clone()).await.unwrap();
    assert_eq!(again.problems, []);
    assert!(again.sheets.iter().all(|one| one.unchanged == one.rows && one.unread_columns.is_empty()), "{again:?}");
    assert_eq!(world.changes().await, changes);

    let elsewhere = import(&world, &other, OTHER, file).await.unwrap();
    assert_eq!(elsewhere.problems, []);
    assert!(elsewhere.sheets.iter().all(|one| one.created == one.rows), "{elsewhere:?}");
    let (here, there) = (known(&world, GAOCHONG).await, known(&world, OTHER).await);
    assert_eq!(here, there);
    assert!(there.0[0].head_party_member && there.1[0].1.party_member && there.1[0].1.pension_due_on.is_some());
    // What answers show masked, in clear.
    for sheet in ["住户", "家庭成员", "商户"] {
        let here = export(&world, &clerk, csv(GAOCHONG, sheet, "核对")).await.unwrap();
        assert_eq!(here, export(&world, &other, csv(OTHER, sheet, "核对")).await.unwrap(), "{sheet}");
    }
    // Somebody in it needs care, so the household is visited twice: that is told with it.
    let mut owner = world.running.database.connect_as_owner().await;
    let care: Vec<(String, Vec<String>)> =
        sqlx::query_as("select village, resident_tags from household where number = '00001' order by village")
            .fetch_all(&mut owner)
            .await
            .unwrap();
    let tags = vec!["低保".to_owned(), "残疾".to_owned()];
    assert_eq!(care, [(GAOCHONG.to_owned(), tags.clone()), (OTHER.to_owned(), tags)]);
}

#[tokio::test]
async fn newer_columns_are_known_by_the_words_that_villages_have_for_them() {
    let world = World::empty().await;
    let clerk = world.clerk(GAOCHONG);
    import(&world, &clerk, GAOCHONG, write(&small()).unwrap()).await.unwrap();
    let people = table(
        "家庭成员",
        &["户编号", "姓名", "与户主关系", "政治面貌", "重点人群", "养老资格认证到期日"],
        &[&["00001", "王五", "配偶", "中共党员", "残疾、低保", "2025.12.31"], &["00001", "张小", "子", "群众", "", ""]],
    );
    let homes = table(
        "住户",
        &["户编号", "户主姓名", "住户类型", "微网格编号", "户主政治面貌", "养老认证到期日"],
        &[&["00001", "张三", "原住户", "001", "中共预备党员", "2025年6月30日"]],
    );
    let report = import(&world, &clerk, GAOCHONG, write(&[homes, people]).unwrap()).await.unwrap();
    assert_eq!(report.problems, []);
    assert_eq!((counts(&report)["住户"], counts(&report)["家庭成员"]), ([0, 1, 0, 0], [0, 1, 1, 0]));
    let home = households(&world, GAOCHONG).await.remove(0);
    assert_eq!((home.head_party_member, home.head_pension_due_on), (true, date(2025, 6, 30)));
    assert_eq!(home.etag, "3", "once for its own row, and once for the care that its people need");
    let people = residents(&world, GAOCHONG).await;
    assert_eq!((people[0].party_member, people[0].pension_due_on), (true, date(2025, 12, 31)));
    assert_eq!(people[0].tags, ["低保", "残疾"]);
    assert_eq!((people[1].party_member, people[1].tags.len()), (false, 0));

    // A sheet without the columns says nothing of them; one with an empty cell says that there are no tags.
    let silent = table("家庭成员", &["户编号", "姓名", "与户主关系"], &[&["00001", "王五", "配偶"]]);
    let report = import(&world, &clerk, GAOCHONG, write(&[silent]).unwrap()).await.unwrap();
    assert_eq!(counts(&report)["家庭成员"], [0, 0, 1, 0]);
    let none = table("家庭成员", &["户编号", "姓名", "与户主关系", "标签"], &[&["00001", "王五", "配偶", ""]]);
    let report = import(&world, &clerk, GAOCHONG, write(&[none]).unwrap()).await.unwrap();
    assert_eq!(counts(&report)["家庭成员"], [0, 1, 0, 0]);
    assert!(residents(&world, GAOCHONG).await[0].tags.is_empty());
    assert_eq!(households(&world, GAOCHONG).await[0].etag, "4");
}

#[tokio::test]
async fn bad_values_in_newer_columns_are_told_with_their_place() {
    let world = World::empty().await;
    let clerk = world.clerk(GAOCHONG);
    import(&world, &clerk, GAOCHONG, write(&small()).unwrap()).await.unwrap();
    let people = table(
        "家庭成员",
        &["户编号", "姓名", "与户主关系", "是否党员", "标签", "养老认证到期日"],
        &[&["00001", "王五", "配偶", "大概是", "低保", "2025-02-30"], &["00001", "张小", "子", "", "低保；会唱歌", ""]],
    );
    let homes = table(
        "住户",
        &["户编号", "户主姓名", "住户类型", "微网格编号", "户主是否党员", "户主养老认证到期日"],
        &[&["00001", "张三", "原住户", "001", "不详", "明年"]],
    );
    let report = import(&world, &clerk, GAOCHONG, write(&[homes, people]).unwrap()).await.unwrap();
    let told: Vec<_> =
        report.problems.iter().map(|one| format!("{} {} {} {}", one.sheet, one.row, one.column, one.reason)).collect();
    assert_eq!(
        told,
        [
            "住户 2 户主是否党员 NOT_A_CHOICE",
            "住户 2 户主养老认证到期日 NOT_A_DATE",
            "家庭成员 2 是否党员 NOT_A_CHOICE",
            "家庭成员 2 养老认证到期日 NO_SUCH_DATE",
            "家庭成员 3 标签 UNKNOWN_TAG",
        ]
    );
    assert!(report.problems[4].message.contains("会唱歌") && report.problems[4].message.contains("独居老人"));
}

#[tokio::test]
async fn a_code_that_has_lost_its_zeros_is_the_same_code() {
    let world = World::empty().await;
    let clerk = world.clerk(GAOCHONG);
    import(&world, &clerk, GAOCHONG, write(&small()).unwrap()).await.unwrap();
    let groups = table("村民小组", &["小组编号", "小组名称"], &[&["1", "第1村民小组"], &["2", "第2村民小组"]]);
    let homes = table(
        "住户",
        &["户编号", "户主姓名", "村民小组", "住户类型", "微网格编号"],
        &[&["00011", "周一", "1", "原住户", "1"], &["00012", "周二", "02", "原住户", "1"]],
    );
    let report = import(&world, &clerk, GAOCHONG, write(&[groups, homes]).unwrap()).await.unwrap();
    assert_eq!(report.problems, []);
    assert_eq!((counts(&report)["村民小组"], counts(&report)["住户"]), ([1, 0, 1, 0], [2, 0, 0, 0]));
    let homes = households(&world, GAOCHONG).await;
    let group = |place: usize| homes[place].villager_group.rsplit('/').next().unwrap().to_owned();
    assert_eq!((group(2), group(3)), ("01".to_owned(), "2".to_owned()));
    assert_eq!(problems(&world, "村民小组", &[&["1", "又一个"]]).await, ["3 小组编号 REPEATED"]);
    assert_eq!(problems(&world, "村民小组", &[&["001", "又一个"]]).await, ["3 小组编号 REPEATED"]);
}
