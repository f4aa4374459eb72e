//! What happens to households and their people, and their histories.

use platform::Office;
use proto::registry::v1::*;
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::merchants::merchant;
use crate::support::{GAOCHONG, World, create, date, grid_name, household, rebuilt};

pub(crate) fn because(reason: &str) -> Option<Occasion> {
    Some(Occasion { day: None, reason: reason.into() })
}

fn reason(refused: &Status) -> String {
    refused.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}

/// A village with a household `00001` of 张三丰, 何丽燕 and 张小明, and `00002` of 李四光 alone.
struct Homes {
    world: World,
    first: Household,
    second: Household,
    wife: String,
    son: String,
}

impl Homes {
    async fn new() -> Self {
        let world = World::new().await;
        let mut client = world.households(&world.clerk(GAOCHONG));
        let first = Household { citizen_id: "999999199003070071".into(), ..household(GAOCHONG, "00001") };
        let first = client.create_household(create(GAOCHONG, first)).await.unwrap().into_inner();
        let second = Household { head_name: "李四光".into(), ..household(GAOCHONG, "00002") };
        let second = client.create_household(create(GAOCHONG, second)).await.unwrap().into_inner();
        let mut names = Vec::new();
        for (name, relation, number) in
            [("何丽燕", "配偶", "999999199003070020"), ("张小明", "子", "999999202402290017")]
        {
            let resident = Some(Resident {
                display_name: name.into(),
                relation: relation.into(),
                citizen_id: number.into(),
                ..Resident::default()
            });
            let request = CreateResidentRequest { parent: first.name.clone(), resident, ..Default::default() };
            names.push(client.create_resident(request).await.unwrap().into_inner().name);
        }
        let [wife, son] = names.try_into().unwrap();
        Self { world, first, second, wife, son }
    }

    fn client(&self) -> proto::registry::v1::household_service_client::HouseholdServiceClient<crate::support::Client> {
        self.world.households(&self.world.clerk(GAOCHONG))
    }

    async fn residents(&self, of: &str) -> Vec<Resident> {
        let request = ListResidentsRequest { parent: of.into(), ..Default::default() };
        self.client().list_residents(request).await.unwrap().into_inner().residents
    }

    async fn history(&self, of: &str) -> Vec<HouseholdHistoryEntry> {
        let request = ListHouseholdHistoryRequest { parent: of.into(), ..Default::default() };
        self.client().list_household_history(request).await.unwrap().into_inner().entries
    }

    fn split(&self) -> SplitHouseholdRequest {
        SplitHouseholdRequest {
            name: self.first.name.clone(),
            occasion: because("儿子成家分户"),
            household: Some(Household {
                number: "00003".into(),
                kind: HouseholdKind::Original.into(),
                grid: grid_name(GAOCHONG, "001"),
                ..Household::default()
            }),
            head: self.son.clone(),
            ..Default::default()
        }
    }

    fn merge(&self) -> MergeHouseholdsRequest {
        MergeHouseholdsRequest {
            name: self.second.name.clone(),
            occasion: because("老人随子女生活"),
            households: vec![MergedHousehold {
                name: self.first.name.clone(),
                etag: String::new(),
                head_relation: "兄".into(),
            }],
            residents: [&self.wife, &self.son].map(|one| kin(one, "亲属")).to_vec(),
            ..Default::default()
        }
    }
}

fn kin(resident: &str, relation: &str) -> Kinship {
    Kinship { resident: resident.into(), relation: relation.into() }
}

#[tokio::test]
async fn a_relocated_household_says_where_it_was_when_and_why() {
    let homes = Homes::new().await;
    let mut client = homes.client();
    let request_id = "0197a000-0000-7000-8000-000000000001";
    let move_out = RelocateHouseholdRequest {
        name: homes.first.name.clone(),
        etag: "1".into(),
        request_id: request_id.into(),
        grid: grid_name(GAOCHONG, "042"),
        kind: HouseholdKind::Relocated.into(),
        current_address: Some("月亮岛路小区8期13栋".into()),
        occasion: Some(Occasion { day: date(2023, 5, 1), reason: "房屋拆迁".into() }),
        ..Default::default()
    };
    let moved = client.relocate_household(move_out.clone()).await.unwrap().into_inner();
    assert_eq!((moved.kind(), moved.outside, moved.etag.as_str()), (HouseholdKind::Relocated, true, "2"));
    assert_eq!(client.relocate_household(move_out.clone()).await.unwrap().into_inner(), moved);
    let stale = RelocateHouseholdRequest { request_id: String::new(), ..move_out.clone() };
    assert_eq!(client.relocate_household(stale).await.unwrap_err().code(), Code::Aborted);

    let history = homes.history(&moved.name).await;
    let told: Vec<_> = history.iter().map(|entry| (entry.happened.as_str(), entry.outside, entry.kind())).collect();
    assert_eq!(told, [("CREATED", false, HouseholdKind::Original), ("RELOCATED", true, HouseholdKind::Relocated)]);
    let mark = history[1].mark.clone().unwrap();
    assert_eq!((mark.reason.as_str(), mark.day, mark.office.as_str()), ("房屋拆迁", date(2023, 5, 1), "clerk"));
    assert_eq!(mark.recorded_by, "clerk-of-430112011211");
    let shown = format!("{history:?}");
    assert!(!shown.contains("张三丰") && !shown.contains("月亮岛"), "{shown}");
}

#[tokio::test]
async fn what_may_not_be_is_refused_by_name_and_changes_nothing() {
    let homes = Homes::new().await;
    let mut client = homes.client();
    let before = homes.world.changes().await;
    let relocation = |change: fn(&mut RelocateHouseholdRequest)| {
        let mut request = RelocateHouseholdRequest {
            name: homes.first.name.clone(),
            grid: grid_name(GAOCHONG, "042"),
            occasion: because("拆迁"),
            ..Default::default()
        };
        change(&mut request);
        request
    };
    for (change, expected) in [
        ((|_| ()) as fn(&mut RelocateHouseholdRequest), "KIND_DISAGREES"),
        (|request| request.grid = String::new(), "ILLEGAL_MOVE"),
        (|request| request.grid = grid_name(GAOCHONG, "099"), "UNKNOWN_GRID"),
        (|request| request.occasion = None, "INVALID_FIELDS"),
        (|request| request.occasion = because("张三丰要求"), "INVALID_FIELDS"),
        (|request| request.occasion = because("电话19000040001"), "INVALID_FIELDS"),
        (|request| request.occasion.as_mut().unwrap().day = date(2999, 1, 1), "IN_THE_FUTURE"),
    ] {
        let mut request = relocation(change);
        if expected != "KIND_DISAGREES" && expected != "ILLEGAL_MOVE" {
            request.kind = HouseholdKind::Relocated.into();
        }
        let refused = client.relocate_household(request).await.unwrap_err();
        assert_eq!(reason(&refused), expected, "{refused}");
    }
    let demolish = ChangeHouseholdStateRequest {
        name: homes.first.name.clone(),
        state: HouseholdState::Demolished.into(),
        occasion: because("拆除"),
        ..Default::default()
    };
    assert_eq!(reason(&client.change_household_state(demolish).await.unwrap_err()), "HOUSEHOLD_NOT_EMPTY");
    let silent = MergeHouseholdsRequest { residents: vec![], ..homes.merge() };
    assert_eq!(reason(&client.merge_households(silent).await.unwrap_err()), "INVALID_FIELDS");
    let foreign = SplitHouseholdRequest { name: homes.second.name.clone(), ..homes.split() };
    assert_eq!(reason(&client.split_household(foreign).await.unwrap_err()), "INVALID_FIELDS");
    assert_eq!(homes.world.changes().await, before);
}

#[tokio::test]
async fn a_son_who_marries_has_a_household_of_his_own() {
    let homes = Homes::new().await;
    let mut client = homes.client();
    let request = SplitHouseholdRequest { residents: vec![kin(&homes.wife, "母亲")], ..homes.split() };
    let made = client.split_household(request).await.unwrap().into_inner();
    assert_eq!((made.head_name.as_str(), made.citizen_id.as_str()), ("张**", "999999********0017"));
    assert_eq!((made.number.as_str(), made.registered_persons, made.state()), ("00003", 2, HouseholdState::Active));
    let moved = homes.residents(&made.name).await;
    assert_eq!((moved.len(), moved[0].relation.as_str()), (1, "母亲"));
    assert!(homes.residents(&homes.first.name).await.is_empty());

    let history = ListResidentHistoryRequest { parent: moved[0].name.clone(), ..Default::default() };
    let history = client.list_resident_history(history).await.unwrap().into_inner().entries;
    let told: Vec<_> = history.iter().map(|one| (one.happened.as_str(), one.resident.as_str())).collect();
    assert_eq!(told, [("CREATED", homes.wife.as_str()), ("LEFT", &homes.wife), ("JOINED", &moved[0].name)]);
    assert_eq!(history[1].mark.as_ref().unwrap().households, std::slice::from_ref(&made.name));
    // The number goes with the person: nobody else has it, and it is found where they are.
    let twice = Household { citizen_id: "999999202402290017".into(), ..household(GAOCHONG, "00009") };
    assert_eq!(client.create_household(create(GAOCHONG, twice)).await.unwrap_err().code(), Code::AlreadyExists);
    let same_number = SplitHouseholdRequest { head: moved[0].name.clone(), name: made.name.clone(), ..homes.split() };
    assert_eq!(client.split_household(same_number).await.unwrap_err().code(), Code::AlreadyExists);
}

#[tokio::test]
async fn a_merged_household_is_empty_and_accepts_nothing_more() {
    let homes = Homes::new().await;
    let mut client = homes.client();
    let stays = client.merge_households(homes.merge()).await.unwrap().into_inner();
    assert_eq!((stays.head_name.as_str(), stays.registered_persons), ("李**", 6));
    let people = homes.residents(&stays.name).await;
    let mut relations: Vec<_> = people.iter().map(|one| one.relation.as_str()).collect();
    relations.sort_unstable();
    assert_eq!(relations, ["亲属", "亲属", "兄"]);

    let get = GetHouseholdRequest { name: homes.first.name.clone() };
    let closed = client.get_household(get).await.unwrap().into_inner();
    assert_eq!((closed.state(), closed.head_name.as_str(), closed.address.as_str()), (HouseholdState::Merged, "", ""));
    let history = homes.history(&closed.name).await;
    assert_eq!(history.last().unwrap().happened, "MERGED");
    assert_eq!(history.last().unwrap().mark.as_ref().unwrap().households, std::slice::from_ref(&stays.name));

    let verify = VerifyHouseholdRequest { name: closed.name.clone(), ..Default::default() };
    assert_eq!(reason(&client.verify_household(verify).await.unwrap_err()), "HOUSEHOLD_CLOSED");
    let update = UpdateHouseholdRequest {
        household: Some(Household { name: closed.name.clone(), tags: vec!["低保".into()], ..Household::default() }),
        update_mask: crate::support::mask(&["tags"]),
        request_id: String::new(),
    };
    assert_eq!(reason(&client.update_household(update).await.unwrap_err()), "HOUSEHOLD_CLOSED");
    let resident = Some(Resident { display_name: "某某".into(), relation: "子".into(), ..Resident::default() });
    let enter = CreateResidentRequest { parent: closed.name.clone(), resident, ..Default::default() };
    assert_eq!(reason(&client.create_resident(enter).await.unwrap_err()), "HOUSEHOLD_CLOSED");
    let join = TransferResidentRequest {
        name: people[0].name.clone(),
        household: closed.name.clone(),
        relation: "子".into(),
        occasion: because("转户"),
        ..Default::default()
    };
    assert_eq!(reason(&client.transfer_resident(join).await.unwrap_err()), "HOUSEHOLD_CLOSED");
}

#[tokio::test]
async fn the_database_itself_leaves_nobody_in_a_closed_household() {
    let homes = Homes::new().await;
    let mut owner = homes.world.running.database.connect_as_owner().await;
    let closed =
        sqlx::query("update household set state = 'demolished' where number = '00001'").execute(&mut owner).await;
    assert!(closed.unwrap_err().to_string().contains("resident_household"));
    let headless = sqlx::query("update household set head_name = ''").execute(&mut owner).await;
    assert!(headless.unwrap_err().to_string().contains("household_has_head"));
}

#[tokio::test]
async fn a_wife_becomes_the_head_and_the_former_head_stays_or_is_gone() {
    let homes = Homes::new().await;
    let mut client = homes.client();
    let request = ChangeHouseholdHeadRequest {
        name: homes.first.name.clone(),
        occasion: because("户主外出务工"),
        head: homes.wife.clone(),
        former_head_relation: "配偶".into(),
        residents: vec![kin(&homes.son, "子")],
        ..Default::default()
    };
    let changed = client.change_household_head(request).await.unwrap().into_inner();
    assert_eq!((changed.head_name.as_str(), changed.citizen_id.as_str()), ("何**", "999999********0020"));
    let people = homes.residents(&changed.name).await;
    let shown: Vec<_> = people.iter().map(|one| (one.citizen_id.as_str(), one.relation.as_str())).collect();
    assert_eq!(shown, [("999999********0017", "子"), ("999999********0071", "配偶")]);
    let gone = client.get_resident(GetResidentRequest { name: homes.wife.clone() }).await.unwrap_err();
    assert_eq!(gone.code(), Code::NotFound);

    let request = ChangeHouseholdHeadRequest {
        name: homes.first.name.clone(),
        occasion: because("户主去世"),
        head: people[1].name.clone(),
        residents: vec![kin(&homes.son, "子")],
        ..Default::default()
    };
    let changed = client.change_household_head(request).await.unwrap().into_inner();
    assert_eq!((changed.citizen_id.as_str(), changed.registered_persons), ("999999********0071", 2));
    assert_eq!(homes.residents(&changed.name).await.len(), 1);
}

#[tokio::test]
async fn a_household_goes_away_comes_back_and_is_demolished_once_its_people_have_left() {
    let homes = Homes::new().await;
    let mut client = homes.client();
    let mark = |name: &str, state: HouseholdState| ChangeHouseholdStateRequest {
        name: name.into(),
        state: state.into(),
        occasion: because("外出务工"),
        ..Default::default()
    };
    let second = homes.second.name.as_str();
    for (state, allowed) in [
        (HouseholdState::Active, false),
        (HouseholdState::Away, true),
        (HouseholdState::Away, false),
        (HouseholdState::Active, true),
        (HouseholdState::Demolished, true),
        (HouseholdState::Active, false),
    ] {
        let marked = client.change_household_state(mark(second, state)).await;
        assert_eq!(marked.is_ok(), allowed, "{state:?}: {marked:?}");
    }
    let told: Vec<_> = homes.history(second).await.into_iter().map(|entry| entry.happened).collect();
    assert_eq!(told, ["CREATED", "WENT_AWAY", "CAME_BACK", "DEMOLISHED"]);
    let merged = client.change_household_state(mark(second, HouseholdState::Merged)).await.unwrap_err();
    assert_eq!(merged.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn a_landlord_is_not_closed_over_the_heads_of_its_merchants() {
    let homes = Homes::new().await;
    let mut client = homes.client();
    let mut names = Vec::new();
    for number in ["00100", "00200"] {
        names.push(
            client.create_household(create(GAOCHONG, rebuilt(GAOCHONG, number))).await.unwrap().into_inner().name,
        );
    }
    let mut merchants = homes.world.merchants(&homes.world.clerk(GAOCHONG));
    let shop = merchants.create_merchant(merchant(&names[0], "兴达餐饮店", "")).await.unwrap().into_inner();
    let merge = MergeHouseholdsRequest {
        households: vec![MergedHousehold { name: names[0].clone(), head_relation: "弟".into(), etag: "1".into() }],
        residents: vec![],
        ..homes.merge()
    };
    assert_eq!(reason(&client.merge_households(merge.clone()).await.unwrap_err()), "LETS_TO_MERCHANTS");
    let to_original = MergeHouseholdsRequest { merchants_to: homes.first.name.clone(), ..merge.clone() };
    assert_eq!(reason(&client.merge_households(to_original).await.unwrap_err()), "NO_LANDLORD");
    client.merge_households(MergeHouseholdsRequest { merchants_to: names[1].clone(), ..merge }).await.unwrap();
    let shop = merchants.get_merchant(GetMerchantRequest { name: shop.name }).await.unwrap().into_inner();
    assert_eq!(shop.landlord, names[1]);

    let demolish = ChangeHouseholdStateRequest {
        name: names[1].clone(),
        state: HouseholdState::Demolished.into(),
        occasion: because("拆除"),
        ..Default::default()
    };
    assert_eq!(reason(&client.change_household_state(demolish).await.unwrap_err()), "LETS_TO_MERCHANTS");
    let opened = merchants.create_merchant(merchant(&names[0], "新店", "")).await.unwrap_err();
    assert!(matches!(opened.code(), Code::FailedPrecondition | Code::InvalidArgument), "{opened}");
}

#[tokio::test]
async fn a_resident_joins_another_household_and_comes_back() {
    let homes = Homes::new().await;
    let mut client = homes.client();
    let transfer = |name: &str, to: &str| TransferResidentRequest {
        name: name.into(),
        household: to.into(),
        relation: "外甥".into(),
        occasion: because("投靠亲属"),
        ..Default::default()
    };
    let there = client.transfer_resident(transfer(&homes.son, &homes.second.name)).await.unwrap().into_inner();
    assert_eq!((there.relation.as_str(), there.etag.as_str()), ("外甥", "2"));
    let gone = client.transfer_resident(transfer(&homes.son, &homes.second.name)).await.unwrap_err();
    assert_eq!(gone.code(), Code::NotFound);
    let itself = client.transfer_resident(transfer(&there.name, &homes.second.name)).await.unwrap_err();
    assert_eq!(reason(&itself), "ILLEGAL_MOVE");
    let back = client.transfer_resident(transfer(&there.name, &homes.first.name)).await.unwrap().into_inner();
    assert_eq!((back.name.as_str(), back.etag.as_str()), (homes.son.as_str(), "3"));
    let told: Vec<_> = homes.history(&homes.second.name).await.into_iter().map(|entry| entry.happened).collect();
    assert_eq!(told, ["CREATED", "RESIDENT_JOINED", "RESIDENT_LEFT"]);
}

#[tokio::test]
async fn who_serves_one_grid_sends_nobody_into_another_and_a_representative_nobody_anywhere() {
    let homes = Homes::new().await;
    let cadre = homes.world.stage.caller(Office::Cadre, GAOCHONG, &["001"]);
    let mut client = homes.world.households(&cadre);
    let request = RelocateHouseholdRequest {
        name: homes.first.name.clone(),
        grid: grid_name(GAOCHONG, "042"),
        kind: HouseholdKind::Relocated.into(),
        occasion: because("拆迁"),
        ..Default::default()
    };
    assert_eq!(reason(&client.relocate_household(request.clone()).await.unwrap_err()), "OUTSIDE_GRIDS");
    let representative = homes.world.stage.caller(Office::Representative, GAOCHONG, &["001"]);
    let mut client = homes.world.households(&representative);
    assert_eq!(client.relocate_household(request).await.unwrap_err().code(), Code::PermissionDenied);
    let read = ListHouseholdHistoryRequest { parent: homes.first.name.clone(), ..Default::default() };
    assert!(client.list_household_history(read.clone()).await.is_ok());
    let elsewhere = homes.world.stage.caller(Office::Representative, GAOCHONG, &["002"]);
    let refused = homes.world.households(&elsewhere).list_household_history(read).await.unwrap_err();
    assert_eq!(refused.code(), Code::NotFound);
}
