//! Two villages with the same household numbers: nothing of one is ever seen, listed or changed with the other's
//! token, through any method of the contract; and without a token, nothing at all.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

use std::collections::BTreeMap;

use harness::Call;
use platform::Office;
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MethodDescriptor, ReflectMessage, Value};
use proto::casework::v1::concern_service_client::ConcernServiceClient;
use proto::casework::v1::demand_service_client::DemandServiceClient;
use proto::casework::v1::{ConcernFilter, ConcernState, CreateDemandRequest, ListConcernsRequest, Matter};
use tests::dynamic::call;
use tests::{GAOCHONG, World, YUANJIA, shipped};
use tonic::Code;

/// Services of the platform itself, which are not about one village's records.
const NEWS: &str = "lianxin.platform.v1.NewsService";

fn methods() -> Vec<MethodDescriptor> {
    let pool = DescriptorPool::decode(proto::DESCRIPTORS).unwrap();
    let services: Vec<_> = pool.services().filter(|service| service.full_name().starts_with("lianxin.")).collect();
    services.iter().flat_map(|service| service.methods().collect::<Vec<_>>()).collect()
}

/// May everybody call it, without a token? It tells nothing that is anybody's.
fn is_public(method: &MethodDescriptor) -> bool {
    let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
    platform::caller::permissions::is_public(&path)
}

/// Which process serves a method.
fn server(method: &MethodDescriptor) -> String {
    match method.parent_service().full_name().split('.').nth(1).unwrap() {
        "platform" => "registry".to_owned(),
        package => package.to_owned(),
    }
}

/// Real names of one village's records, by collection (`households`, `links` …).
type Names = BTreeMap<String, String>;

/// Fills every field that names a record of the village, and whatever else a method insists on.
fn about(method: &MethodDescriptor, village: &str, names: &Names) -> DynamicMessage {
    let mut request = DynamicMessage::new(method.input());
    fill(&mut request, method.name(), village, names);
    request
}

fn fill(message: &mut DynamicMessage, method: &str, village: &str, names: &Names) {
    let fields: Vec<FieldDescriptor> = message.descriptor().fields().collect();
    for field in fields {
        let named = |collection: &str| names.get(collection).cloned().unwrap_or_default();
        match (field.name(), field.kind()) {
            ("parent", _) if method == "ListHouseholdHistory" => {
                message.set_field(&field, Value::String(named("households")));
            }
            ("parent", _) if method == "ListMerchantHistory" => {
                message.set_field(&field, Value::String(named("merchants")));
            }
            ("parent", _) if method == "ListResidentHistory" => {
                message.set_field(&field, Value::String(named("residents")));
            }
            ("parent", _) if method.contains("Resident") => {
                message.set_field(&field, Value::String(named("households")))
            }
            ("parent", _) if method == "ListMemberSteps" => message.set_field(&field, Value::String(named("members"))),
            ("parent", _) if method == "ListAttachments" => message.set_field(&field, Value::String(named("concerns"))),
            ("parent", _) if method == "ListMoves" => message.set_field(&field, Value::String(named("concerns"))),
            ("parent", _) if method == "ListDemandMoves" => message.set_field(&field, Value::String(named("demands"))),
            ("parent", _) if method == "ListVillages" => {
                message.set_field(&field, Value::String("subdistricts/430112011".into()))
            }
            ("parent", _) => message.set_field(&field, Value::String(format!("villages/{village}"))),
            ("name", _) if only_one(method).is_some() => {
                let name = only_one(method).map(|one| format!("villages/{village}/{one}"));
                message.set_field(&field, Value::String(name.unwrap_or_default()));
            }
            ("name", _) if is_about_deliberations(message) => {
                message.set_field(&field, Value::String(named("deliberations")));
            }
            ("name", _) => message.set_field(&field, Value::String(named(&collection(method)))),
            ("village_id", _) => message.set_field(&field, Value::String(village.into())),
            ("household", Kind::String) => message.set_field(&field, Value::String(named("households"))),
            ("grid", Kind::String) => message.set_field(&field, Value::String(named("grids"))),
            ("representative" | "member" | "owner", Kind::String) => {
                message.set_field(&field, Value::String(named("members")))
            }
            (
                "display_name" | "text" | "matter_type" | "result" | "reason" | "note" | "where_to_go" | "head_name",
                Kind::String,
            ) => {
                message.set_field(&field, Value::String("改名".into()));
            }
            ("concerns", Kind::String) => {
                let two = [named("concerns"), format!("villages/{village}/concerns/{NO_CONCERN}")];
                message.set_field(&field, Value::List(two.into_iter().map(Value::String).collect()));
            }
            ("update_mask", _) => {
                let mut mask = DynamicMessage::new(field.kind().as_message().unwrap().clone());
                let changed = if method == "UpdateConcern" { "text" } else { "display_name" };
                mask.set_field_by_name("paths", Value::List(vec![Value::String(changed.into())]));
                message.set_field(&field, Value::Message(mask));
            }
            ("matter" | "seat" | "outcome" | "owner_kind", Kind::Enum(_)) => {
                message.set_field(&field, Value::EnumNumber(2))
            }
            (_, Kind::Message(kind))
                if kind.full_name().starts_with("lianxin.")
                    && !field.is_list()
                    && field.containing_oneof().is_none()
                    && !field.name().ends_with("filter") =>
            {
                let mut inner = DynamicMessage::new(kind);
                fill(&mut inner, method, village, names);
                message.set_field(&field, Value::Message(inner));
            }
            _ => {}
        }
    }
}

/// What a village has one of.
fn only_one(method: &str) -> Option<&'static str> {
    let known =
        [("DeliberationPolicy", "deliberationPolicy"), ("CareTags", "careTags"), ("EntranceRules", "entranceRules")];
    known.into_iter().find_map(|(noun, name)| method.ends_with(noun).then_some(name))
}

/// Is it a message of the service whose methods are not named for their record?
fn is_about_deliberations(message: &DynamicMessage) -> bool {
    message.descriptor().parent_file().name().ends_with("deliberation_service.proto")
}

/// The collection whose record a method's `name` is: `GetVillagerGroup` → `villagerGroups`.
fn collection(method: &str) -> String {
    let noun = method.trim_start_matches(|first: char| first.is_ascii_uppercase());
    let noun = &method[method.len() - noun.len() - 1..];
    let noun = noun.find(|letter: char| letter.is_ascii_uppercase()).map_or(noun, |_| noun);
    let words: Vec<&str> = split_words(noun);
    let noun = match words.as_slice() {
        ["End", "Term"] => "member".to_owned(),
        ["Get", "Member", "Rights"]
        | ["Check", "Eligibility"]
        | ["Record", "Endorsement" | "Objection"]
        | ["Post", "Notice"] => "member".to_owned(),
        ["Seat" | "Vacate" | "Cover" | "Uncover", ..] => "team".to_owned(),
        ["Follow", "Up", rest @ ..] | ["Send", "Back", rest @ ..] => camel(rest),
        ["Add" | "Remove", "Concern"] => "demand".to_owned(),
        ["Extend" | "Explain", "Deadline"] | ["Decide", "Extension"] => "concern".to_owned(),
        ["Receive" | "Return", "Papers"] => "concern".to_owned(),
        ["Decide"] | [] => String::new(),
        [_, rest @ ..] => camel(rest),
    };
    format!("{noun}s")
}

fn split_words(name: &str) -> Vec<&str> {
    let starts: Vec<usize> =
        name.char_indices().filter(|(_, letter)| letter.is_ascii_uppercase()).map(|(at, _)| at).collect();
    starts.iter().zip(starts.iter().skip(1).chain([&name.len()])).map(|(from, to)| &name[*from..*to]).collect()
}

fn camel(words: &[&str]) -> String {
    let joined = words.concat();
    joined[..1].to_ascii_lowercase() + &joined[1..]
}

/// Nobody has raised it.
const NO_CONCERN: &str = "018f5e9e-0000-7000-8000-0000000000ff";

/// Lists of something other than a village's records, which have no names to harvest.
const NO_RECORDS: &[&str] = &[
    "ListVillages",
    "ListGaps",
    "ListClosedGaps",
    "ListMoves",
    "ListDemandMoves",
    "ListDemandProposals",
    "ListSeatings",
    "ListHandovers",
    "ListMerchantLinks",
    "ListMemberSteps",
    "ListUncoveredPeriods",
    "ListDueVisits",
    "ListHouseholdHistory",
    "ListResidentHistory",
    "ListMerchantHistory",
    "ListDisclosures",
    "ListDeliberations",
    "ListNotices",
    "ListAttachments",
];

/// Asks every list of a village for a first record's name.
async fn harvest(world: &World, caller: &Call, village: &str) -> Names {
    let mut names = Names::from([
        ("villages".to_owned(), format!("villages/{village}")),
        ("visitPlans".to_owned(), format!("villages/{village}/visitPlan")),
        // A ledger brings none.
        ("deliberations".to_owned(), format!("villages/{village}/deliberations/018f5e9e-0000-7000-8000-000000000000")),
        // The ledger's concerns are unlike each other.
        (
            "demandProposals".to_owned(),
            format!("villages/{village}/demandProposals/018f5e9e-0000-7000-8000-000000000000"),
        ),
        ("handovers".to_owned(), format!("villages/{village}/handovers/{}", uuid::Uuid::nil())),
    ]);
    let mut lists: Vec<_> = methods()
        .into_iter()
        .filter(|method| method.name().starts_with("List") && !NO_RECORDS.contains(&method.name()))
        .collect();
    lists.sort_by_key(|method| method.name() == "ListResidents"); // their parent is a household
    for method in lists {
        let request = about(&method, village, &names);
        let answer = call(world, &server(&method), &method, &request, caller).await.unwrap();
        let field = method.output().fields().find(FieldDescriptor::is_list).unwrap();
        let listed = answer.get_field(&field).as_list().unwrap().to_vec();
        let first = listed.first().unwrap_or_else(|| panic!("{} shows nothing", method.full_name()));
        let name = first.as_message().unwrap().get_field_by_name("name").unwrap().as_str().unwrap().to_owned();
        let collection = name.rsplit('/').nth(1).unwrap().to_owned();
        names.insert(collection, name);
    }
    names
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_one_village_is_reached_with_the_others_token_through_any_method() {
    let world = World::start().await;
    let gaochong = world.onboard_gaochong().await;
    // The neighbour keeps the very same numbers.
    world.onboard(YUANJIA, "原佳村", Some(shipped("gaochong/roster.xlsx"))).await;
    assert_eq!(gaochong.refused, 0);

    let ours = world.stage.caller(Office::Clerk, GAOCHONG, &[]);
    put_together(&world, &ours).await;
    let names = harvest(&world, &ours, GAOCHONG).await;
    let before = dump(&world).await;
    for office in [Office::Operator, Office::Clerk, Office::Cadre, Office::Integration] {
        let theirs = world.stage.caller(office, YUANJIA, &[]);
        for method in
            methods().iter().filter(|method| method.parent_service().full_name() != NEWS && !is_public(method))
        {
            let request = about(method, GAOCHONG, &names);
            let refused = call(&world, &server(method), method, &request, &theirs).await;
            let code = refused
                .err()
                .unwrap_or_else(|| panic!("{} answered the neighbour's {office:?}", method.full_name()))
                .code();
            assert!(
                matches!(code, Code::PermissionDenied | Code::NotFound | Code::InvalidArgument | Code::Unimplemented),
                "{}: {code}",
                method.full_name()
            );
            // What is a valid question of our own is refused to them for being ours, not for being malformed.
            if ["Get", "List"].iter().any(|verb| method.name().starts_with(verb)) {
                assert!(matches!(code, Code::PermissionDenied | Code::NotFound), "{}: {code}", method.full_name());
            }
        }
    }
    assert_eq!(dump(&world).await, before, "something of the village was changed");

    // And the neighbour's own lists show nothing of ours.
    let theirs = world.stage.caller(Office::Clerk, YUANJIA, &[]);
    let their_names = harvest_what_there_is(&world, &theirs).await;
    for method in methods().iter().filter(|method| method.name().starts_with("List")) {
        let request = about(method, YUANJIA, &their_names);
        if let Ok(answer) = call(&world, &server(method), method, &request, &theirs).await {
            let bytes = answer.encode_to_vec();
            assert!(
                !bytes.windows(GAOCHONG.len()).any(|window| window == GAOCHONG.as_bytes()),
                "{}",
                method.full_name()
            );
        }
    }
}

/// Makes a common demand of two of the village's concerns, so that there is one.
async fn put_together(world: &World, caller: &Call) {
    let parent = format!("villages/{GAOCHONG}");
    let filter = ConcernFilter {
        state: ConcernState::Accepted.into(),
        matter: Matter::ResidentAffairs.into(),
        ..Default::default()
    };
    let list = ListConcernsRequest { parent: parent.clone(), filter: Some(filter), ..Default::default() };
    let concerns = ConcernServiceClient::new(world.line("casework", caller)).list_concerns(list).await.unwrap();
    let concerns = concerns.into_inner().concerns.into_iter().take(2).map(|concern| concern.name).collect();
    let make = CreateDemandRequest { parent, concerns, ..Default::default() };
    DemandServiceClient::new(world.line("casework", caller)).create_demand(make).await.unwrap();
}

/// The neighbour has no visits or concerns.
async fn harvest_what_there_is(world: &World, caller: &Call) -> Names {
    let mut names = Names::from([("villages".to_owned(), format!("villages/{YUANJIA}"))]);
    for method in methods().iter().filter(|method| method.name() == "ListHouseholds") {
        let answer = call(world, &server(method), method, &about(method, YUANJIA, &names), caller).await.unwrap();
        let households = answer.get_field_by_name("households").unwrap().as_list().unwrap().to_vec();
        let name = households[0].as_message().unwrap().get_field_by_name("name").unwrap().as_str().unwrap().to_owned();
        names.insert("households".to_owned(), name);
    }
    names
}

/// Every change of the village, in every service: nothing may be added by a refused call.
async fn dump(world: &World) -> Vec<i64> {
    let mut counts = Vec::new();
    for service in ["registry", "liaison", "casework"] {
        let mut owner = world.database(service).connect_as_owner().await;
        let count = sqlx::query_scalar("select count(*) from change_log where village = $1").bind(GAOCHONG);
        counts.push(count.fetch_one(&mut owner).await.unwrap());
    }
    counts
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_token_there_is_nothing_at_all() {
    let world = World::start().await;
    world.onboard(YUANJIA, "原佳村", None).await;
    for method in methods().into_iter().filter(|method| !is_public(method)) {
        let request = about(&method, YUANJIA, &Names::new());
        let refused = call(&world, &server(&method), &method, &request, &Call::nobody()).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unauthenticated, "{}", method.full_name());
    }
}
