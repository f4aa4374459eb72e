//! Personal data: shown for a purpose and with a trace, and gone when somebody asks for it.

use platform::Office;
use proto::registry::v1::*;
use sqlx::ConnectOptions;
use sqlx::postgres::PgConnectOptions;
use tonic::Code;

use crate::lives::because;
use crate::merchants::merchant;
use crate::support::{GAOCHONG, OTHER, World, create, household, rebuilt};

const HEAD: &str = "999999199003070071";
const WIFE: &str = "99999919900307008X";

fn sensitive() -> Household {
    Household {
        citizen_id: HEAD.into(),
        telephone: "19000040001".into(),
        current_address: "月亮岛路小区8期13栋".into(),
        tags: vec!["独居老人".into()],
        ..household(GAOCHONG, "00001")
    }
}

/// A household of 张三丰 and his wife 何丽燕.
async fn home(world: &World) -> (Household, Resident) {
    let mut client = world.households(&world.clerk(GAOCHONG));
    let home = client.create_household(create(GAOCHONG, sensitive())).await.unwrap().into_inner();
    let resident = Some(Resident {
        display_name: "何丽燕".into(),
        relation: "配偶".into(),
        citizen_id: WIFE.into(),
        telephone: "19000040002".into(),
        tags: vec!["残疾".into()],
        ..Resident::default()
    });
    let request = CreateResidentRequest { parent: home.name.clone(), resident, ..Default::default() };
    let wife = client.create_resident(request).await.unwrap().into_inner();
    (home, wife)
}

fn reveal(name: &str, note: &str) -> RevealResidentRequest {
    RevealResidentRequest { name: name.into(), purpose: RevealPurpose::Errand.into(), note: note.into() }
}

async fn entries(world: &World, filter: DisclosureFilter) -> Vec<Disclosure> {
    let mut client = world.households(&world.clerk(GAOCHONG));
    let parent = format!("villages/{GAOCHONG}");
    let request = ListDisclosuresRequest { parent, filter: Some(filter), ..Default::default() };
    client.list_disclosures(request).await.unwrap().into_inner().disclosures
}

#[tokio::test]
async fn what_is_masked_is_shown_for_a_purpose_and_leaves_an_entry() {
    let world = World::new().await;
    let (home, wife) = home(&world).await;
    let cadre = world.stage.caller(Office::Cadre, GAOCHONG, &["001"]);
    let mut client = world.households(&cadre);
    let shown = client.reveal_resident(reveal(&wife.name, "代缴养老保险")).await.unwrap().into_inner();
    assert_eq!((shown.display_name.as_str(), shown.citizen_id.as_str()), ("何丽燕", WIFE));
    assert_eq!(shown.telephone, "+8619000040002");
    let request = RevealHouseholdRequest {
        name: home.name.clone(),
        purpose: RevealPurpose::Contact.into(),
        note: "通知领取补贴".into(),
    };
    let shown = client.reveal_household(request).await.unwrap().into_inner();
    assert_eq!((shown.head_name.as_str(), shown.citizen_id.as_str()), ("张三丰", HEAD));
    assert_eq!(shown.address, "高冲村第1村民小组1号");

    let all = entries(&world, DisclosureFilter::default()).await;
    let told: Vec<_> = all.iter().map(|one| (one.record.as_str(), one.note.as_str(), one.office.as_str())).collect();
    assert_eq!(told, [(home.name.as_str(), "通知领取补贴", "cadre"), (&wife.name, "代缴养老保险", "cadre")]);
    assert_eq!(all[1].fields, ["display_name", "citizen_id", "telephone"]);
    assert_eq!((all[0].purpose(), all[0].disclosed_to.as_str()), (RevealPurpose::Contact, "cadre-of-430112011211"));
    assert!(!format!("{all:?}").contains("丽燕"));
    let of_wife = entries(&world, DisclosureFilter { record: wife.name, ..Default::default() }).await;
    assert_eq!(of_wife.len(), 1);
    let by_nobody = entries(&world, DisclosureFilter { disclosed_to: "nobody".into(), ..Default::default() }).await;
    assert!(by_nobody.is_empty());
}

#[tokio::test]
async fn a_merchants_operator_is_shown_the_same_way() {
    let world = World::new().await;
    let mut households = world.households(&world.clerk(GAOCHONG));
    let landlord =
        households.create_household(create(GAOCHONG, rebuilt(GAOCHONG, "1"))).await.unwrap().into_inner().name;
    let mut client = world.merchants(&world.clerk(GAOCHONG));
    let made = client.create_merchant(merchant(&landlord, "兴达餐饮店", "")).await.unwrap().into_inner();
    let request = RevealMerchantRequest {
        name: made.name.clone(),
        purpose: RevealPurpose::Verification.into(),
        note: "核对营业执照".into(),
    };
    let shown = client.reveal_merchant(request).await.unwrap().into_inner();
    assert!(!shown.operator_name.contains('*') && !shown.telephone.contains('*'));
    assert_eq!(entries(&world, DisclosureFilter { record: made.name, ..Default::default() }).await.len(), 1);
}

#[tokio::test]
async fn nothing_is_shown_without_a_purpose_an_office_and_the_right_grid() {
    let world = World::new().await;
    let (_, wife) = home(&world).await;
    let mut client = world.households(&world.clerk(GAOCHONG));
    for request in [
        reveal(&wife.name, ""),
        reveal(&wife.name, "给何丽燕打电话"),
        reveal(&wife.name, "19000040001"),
        RevealResidentRequest { purpose: 0, ..reveal(&wife.name, "代办") },
    ] {
        assert_eq!(client.reveal_resident(request).await.unwrap_err().code(), Code::InvalidArgument);
    }
    for (office, scope, grids, code) in [
        (Office::Representative, GAOCHONG, &["001"] as &[&str], Code::PermissionDenied),
        (Office::Leader, GAOCHONG, &["001"], Code::PermissionDenied),
        (Office::Operator, GAOCHONG, &[], Code::PermissionDenied),
        (Office::Integration, GAOCHONG, &[], Code::PermissionDenied),
        (Office::Cadre, GAOCHONG, &["002"], Code::NotFound),
        (Office::Clerk, OTHER, &[], Code::PermissionDenied),
    ] {
        let caller = world.stage.caller(office, scope, grids);
        let refused = world.households(&caller).reveal_resident(reveal(&wife.name, "代办")).await.unwrap_err();
        assert_eq!(refused.code(), code, "{office:?} of {scope}");
    }
    assert!(entries(&world, DisclosureFilter::default()).await.is_empty());
}

#[tokio::test]
async fn a_service_cannot_alter_what_was_written_of_who_saw_what() {
    let world = World::new().await;
    let (_, wife) = home(&world).await;
    world.households(&world.clerk(GAOCHONG)).reveal_resident(reveal(&wife.name, "代办")).await.unwrap();
    let as_service: PgConnectOptions = world.running.database.service_url.parse().unwrap();
    let mut service = as_service.connect().await.unwrap();
    sqlx::query("set lianxin.scope = '*'").execute(&mut service).await.unwrap();
    let seen: i64 = sqlx::query_scalar("select count(*) from reveal").fetch_one(&mut service).await.unwrap();
    assert_eq!(seen, 1);
    for statement in [
        "update reveal set note = '改'",
        "update reveal set at = now()",
        "delete from reveal",
        "truncate reveal",
        "drop table reveal",
        "alter table reveal disable row level security",
        "delete from occasion",
        "update occasion set day = '2000-01-01'",
        "update change_log set subject = 'x'",
    ] {
        let refused = sqlx::query(statement).execute(&mut service).await.unwrap_err();
        let code = refused.as_database_error().and_then(|error| error.code()).map(|code| code.into_owned());
        assert_eq!(code.as_deref(), Some("42501"), "{statement}: {refused}");
    }
}

#[tokio::test]
async fn who_is_erased_is_gone_for_good_and_still_counts() {
    let world = World::new().await;
    let (home, wife) = home(&world).await;
    let mut client = world.households(&world.clerk(GAOCHONG));
    let away = TransferResidentRequest {
        name: wife.name.clone(),
        household: client.create_household(create(GAOCHONG, household(GAOCHONG, "2"))).await.unwrap().into_inner().name,
        relation: "妹".into(),
        occasion: because("随娘家居住"),
        ..Default::default()
    };
    let moved = client.transfer_resident(away).await.unwrap().into_inner();
    client.reveal_resident(reveal(&moved.name, "代办")).await.unwrap();
    let sealed = |owner| async move {
        let mut owner = owner;
        sqlx::query_scalar::<_, i64>("select count(*) from citizen where resident is not null")
            .fetch_one(&mut owner)
            .await
            .unwrap()
    };
    assert_eq!(sealed(world.running.database.connect_as_owner().await).await, 1);

    let request =
        EraseResidentRequest { name: moved.name.clone(), occasion: because("本人申请"), ..Default::default() };
    let erased = client.erase_resident(request.clone()).await.unwrap().into_inner();
    assert_eq!(
        (erased.display_name.as_str(), erased.citizen_id.as_str(), erased.telephone.as_str()),
        ("（已删除）", "", "")
    );
    assert!(erased.tags.is_empty());
    assert_eq!(client.erase_resident(request).await.unwrap_err().code(), Code::FailedPrecondition);
    assert_eq!(sealed(world.running.database.connect_as_owner().await).await, 0);
    let mut owner = world.running.database.connect_as_owner().await;
    let rest: String = sqlx::query_scalar(
        "select concat((select string_agg(resident::text, '') from resident),
                       (select string_agg(occasion::text, '') from occasion where resident is not null),
                       (select string_agg(request::text, '') from request),
                       (select string_agg(reveal::text, '') from reveal))",
    )
    .fetch_one(&mut owner)
    .await
    .unwrap();
    assert!(rest.contains("本人申请") && rest.contains("已删除"));
    assert!(!rest.contains("何丽燕") && !rest.contains("随娘家居住") && !rest.contains("残疾"), "{rest}");
    // The person is still one of the household's, and may be entered anew should they come back.
    let list =
        ListResidentsRequest { parent: moved.name.split("/residents").next().unwrap().into(), ..Default::default() };
    assert_eq!(client.list_residents(list).await.unwrap().into_inner().residents.len(), 1);
    let anew = Household { citizen_id: WIFE.into(), head_name: "何丽燕".into(), ..household(GAOCHONG, "3") };
    client.create_household(create(GAOCHONG, anew)).await.unwrap();
    let history = ListResidentHistoryRequest { parent: moved.name, ..Default::default() };
    let history = client.list_resident_history(history).await.unwrap().into_inner().entries;
    let told: Vec<_> = history.iter().map(|entry| entry.happened.as_str()).collect();
    assert_eq!(told, ["CREATED", "LEFT", "JOINED", "ERASED"]);
    assert_eq!(
        client.get_household(GetHouseholdRequest { name: home.name }).await.unwrap().into_inner().head_name,
        "张**"
    );
}

#[tokio::test]
async fn a_head_is_erased_once_nobody_else_is_in_the_household() {
    let world = World::new().await;
    let (home, wife) = home(&world).await;
    let mut client = world.households(&world.clerk(GAOCHONG));
    let request =
        EraseHouseholdRequest { name: home.name.clone(), occasion: because("本人申请"), ..Default::default() };
    let refused = client.erase_household(request.clone()).await.unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    let first = EraseResidentRequest { name: wife.name, occasion: because("本人申请"), ..Default::default() };
    client.erase_resident(first).await.unwrap();
    let erased = client.erase_household(request).await.unwrap().into_inner();
    assert_eq!(
        (erased.head_name.as_str(), erased.address.as_str(), erased.state()),
        ("（已删除）", "", HouseholdState::Active)
    );
    assert!(erased.citizen_id.is_empty() && erased.telephone.is_empty() && erased.tags.is_empty());
    let cadre = world.stage.caller(Office::Cadre, GAOCHONG, &["001"]);
    let again = EraseHouseholdRequest { name: home.name, occasion: because("本人申请"), ..Default::default() };
    let refused = world.households(&cadre).erase_household(again).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
}
