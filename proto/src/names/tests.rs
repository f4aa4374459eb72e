//! Names as text and back, and what is refused on the way.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

use proptest::prelude::*;

use super::*;
use crate::registry::v1::VillageKind;

const ID: &str = "018f5e9e-7c3a-7b21-9a55-0123456789ab";
const OTHER: &str = "018f5e9e-7c3a-7b21-9a55-ba9876543210";

/// `parse(text).to_string() == text`, and the error of what is none.
macro_rules! same {
    ($name:ty, $text:expr) => {
        assert_eq!($text.parse::<$name>().map(|name| name.to_string()), Ok($text.clone()))
    };
}

#[test]
fn every_name_survives_its_text() {
    let below = |rest: &str| format!("villages/430112011211/{rest}");
    same!(VillageName, "villages/430112011211".to_owned());
    same!(SubdistrictName, "subdistricts/430112011".to_owned());
    same!(AreaName, below("areas/P01"));
    same!(VillagerGroupName, below("villagerGroups/01"));
    same!(PartyGroupName, below("partyGroups/D01"));
    same!(GridName, below("grids/001"));
    same!(HouseholdName, below(&format!("households/{ID}")));
    same!(ResidentName, below(&format!("households/{ID}/residents/{OTHER}")));
    same!(MerchantName, below(&format!("merchants/{ID}")));
    same!(MemberName, below(&format!("members/{ID}")));
    same!(LineName, below("lines/relocated"));
    same!(LineName, below("lines/rebuilt"));
    same!(TeamName, below("teams/075"));
    same!(HandOverName, below(&format!("handovers/{ID}")));
    same!(LinkName, below(&format!("links/{ID}")));
    same!(VisitName, below(&format!("visits/{ID}")));
    same!(ConcernName, below(&format!("concerns/{ID}")));
    same!(DemandName, below(&format!("demands/{ID}")));
    same!(DemandProposalName, below(&format!("demandProposals/{ID}")));
    same!(MatterTypeName, below("matterTypes/street-light"));
}

#[test]
fn a_name_of_another_form_is_refused() {
    for text in [
        "",
        "/",
        "villages/430112011211",
        "villages/430112011211/grids",
        "villages/430112011211/grids/",
        "villages/430112011211/grids/001/",
        "/villages/430112011211/grids/001",
        "villages//430112011211/grids/001",
        "villages/430112011211/teams/001",
        "villages/430112011211/grids/001/grids/001",
        "Villages/430112011211/grids/001",
        "villages/430112011211/grids/1",
        "villages/430112011211/grids/００１",
        "villages/430112011211/grids/001 ",
        "villages/430112011211/grids/-",
        "villages/430112011411/grids/001",
    ] {
        assert!(text.parse::<GridName>().is_err(), "{text:?}");
    }
    assert_eq!(
        "villages/430112011211/teams/001".parse::<GridName>().unwrap_err().to_string(),
        r#"expected a name of the form villages/{village}/grids/{grid}, found "villages/430112011211/teams/001""#
    );
    for text in
        ["villages", "villages/", "villages/430112011211/", "subdistricts/430112011", "villages/430112011211/x/y"]
    {
        assert!(text.parse::<VillageName>().is_err(), "{text:?}");
    }
}

#[test]
fn a_village_code_says_what_is_wrong_with_it() {
    let wrong = |text: &str| text.parse::<VillageCode>().unwrap_err().to_string();
    assert_eq!(wrong("43011201121"), r#""43011201121" is not a village code: it has to have 12 digits"#);
    assert_eq!(
        wrong("43011201121x"),
        r#""43011201121x" is not a village code: it has to be made of the digits 0 to 9 only"#
    );
    for text in ["430112011000", "430112011400", "430112011999"] {
        assert!(wrong(text).contains("001 to 199 for a community or 200 to 399 for a village"), "{text}");
    }
}

#[test]
fn a_village_code_knows_its_kind_and_subdistrict() {
    let kind = |text: &str| text.parse::<VillageCode>().map(|code| code.kind());
    assert_eq!(kind("430112011001"), Ok(VillageKind::Community));
    assert_eq!(kind("430112011199"), Ok(VillageKind::Community));
    assert_eq!(kind("430112011200"), Ok(VillageKind::Village));
    assert_eq!(kind("430112011399"), Ok(VillageKind::Village));
    let village: VillageCode = "430112011211".parse().unwrap();
    assert_eq!(village.subdistrict().as_str(), "430112011");
    assert_eq!("430112011".parse(), Ok(village.subdistrict()));
}

#[test]
fn a_record_id_is_read_in_either_case_and_written_in_one() {
    assert_eq!(record_id(&ID.to_uppercase()).map(|id| id.to_string()), Ok(ID.to_owned()));
    for text in ["", "1", &ID.replace('-', ""), &format!("{{{ID}}}"), &format!("urn:uuid:{ID}"), &format!(" {ID}")] {
        assert!(record_id(text).is_err(), "{text:?}");
    }
}

#[test]
fn a_refusal_does_not_repeat_a_flood() {
    let flood = "村".repeat(100_000);
    assert!(flood.parse::<HouseholdName>().unwrap_err().to_string().len() < 1_000);
}

#[test]
fn a_resident_knows_the_household_and_a_team_its_grid() {
    let household: HouseholdName = format!("villages/430112011211/households/{ID}").parse().unwrap();
    let resident = household.resident(record_id(OTHER).unwrap());
    assert_eq!(resident.household_name(), household);
    let grid: GridName = "villages/430112011211/grids/001".parse().unwrap();
    assert_eq!(grid.team().to_string(), "villages/430112011211/teams/001");
    assert_eq!(grid.team().grid_name(), grid);
}

fn village() -> impl Strategy<Value = VillageCode> {
    (0..1_000_000_000_u64, 1..400_u64)
        .prop_map(|(subdistrict, own)| format!("{subdistrict:09}{own:03}").parse().unwrap())
}

fn id() -> impl Strategy<Value = Uuid> {
    any::<u128>().prop_map(Uuid::from_u128)
}

fn local() -> impl Strategy<Value = LocalCode> {
    let characters: Vec<char> = ('a'..='z').chain('A'..='Z').chain('0'..='9').chain(['-']).collect();
    proptest::collection::vec(proptest::sample::select(characters), 1..=LocalCode::MAX_LENGTH)
        .prop_map(|characters| String::from_iter(characters).parse().unwrap())
}

proptest! {
    #[test]
    fn names_survive(village in village(), one in id(), two in id(), code in local(), number in 0..1000_u16) {
        let grid: GridCode = format!("{number:03}").parse().unwrap();
        macro_rules! survives {
            ($name:expr) => {{
                let name = $name;
                prop_assert_eq!(name.to_string().parse(), Ok(name));
            }};
        }
        survives!(VillageName(village));
        survives!(SubdistrictName(village.subdistrict()));
        survives!(AreaName::new(village, code.clone()));
        survives!(VillagerGroupName::new(village, code.clone()));
        survives!(PartyGroupName::new(village, code));
        survives!(GridName::new(village, grid));
        survives!(TeamName::new(village, grid));
        survives!(HouseholdName::new(village, one));
        survives!(ResidentName::new(village, one, two));
        survives!(MerchantName::new(village, one));
        survives!(MemberName::new(village, one));
        survives!(LinkName::new(village, one));
        survives!(VisitName::new(village, one));
        survives!(ConcernName::new(village, one));
        for line in LineCode::ALL {
            survives!(LineName::new(village, line));
        }
    }

    /// Nothing panics, and whatever is taken is written as it was read, UUIDs in lower case.
    #[test]
    fn garbage_is_refused(text in any::<String>(), below in "[a-z]{0,10}(/[-0-9A-Fa-f{}]{0,40}){0,3}/?") {
        for text in [text, format!("villages/430112011211/{below}"), format!("villages/430112011211/households/{below}")] {
            if let Ok(name) = text.parse::<HouseholdName>() {
                prop_assert_eq!(name.to_string(), text.to_lowercase());
            }
            if let Ok(name) = text.parse::<AreaName>() {
                prop_assert_eq!(name.to_string(), text);
            }
        }
    }
}
