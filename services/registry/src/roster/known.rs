//! What an import knows while it runs: what the sheets' references can refer to, in the database or earlier in the file.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Utc};
use platform::vault::VillageKeys;
use platform::{Clock, Result, Tx, Vault};
use proto::names::{GridCode, LocalCode, VillageCode};
use uuid::Uuid;
use workbook::Refusal;
use workbook::formats::{CitizenId, CreditCode};

use super::sheets::Roster;
use crate::division::store::division_all;
use crate::division::{Division, Kind};
use crate::grid::Grid;
use crate::grid::store::grid_all;
use crate::household::rules as households;
use crate::household::store::household_kinds;

/// What is known so far.
pub(super) struct Known {
    pub(super) village: VillageCode,
    vault: Vault,
    clock: Clock,
    /// By what their codes mean.
    areas: HashMap<String, LocalCode>,
    groups: Groups,
    grids: HashMap<GridCode, Grid>,
    /// By number: only those that the file has rows of. Others are looked up when they are referred to.
    households: HashMap<String, Landlord>,
    /// Numbers and codes that the file lists: a record that has one of them is that row's, and no other's.
    listed_citizens: HashSet<CitizenId>,
    listed_credit_codes: HashSet<CreditCode>,
    /// Residents and merchants that a row of the file was found to mean.
    matched: HashSet<Uuid>,
}

/// A household, as far as those who refer to it by its number need it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Landlord {
    pub(super) id: Uuid,
    pub(super) kind: households::Kind,
}

impl Known {
    /// What there is before the first sheet, and what the file will speak of.
    pub(super) async fn load(
        tx: &mut Tx,
        village: VillageCode,
        vault: Vault,
        clock: Clock,
        roster: &Roster,
    ) -> Result<Self> {
        let areas = division_all(tx, Kind::Area, &village).await?;
        let groups = division_all(tx, Kind::VillagerGroup, &village).await?;
        let grids = grid_all(tx, &village).await?;
        let mut known = Self {
            village,
            vault,
            clock,
            areas: HashMap::new(),
            groups: Groups::default(),
            grids: grids.into_iter().map(|grid| (grid.name.grid, grid)).collect(),
            households: HashMap::new(),
            listed_citizens: HashSet::new(),
            listed_credit_codes: HashSet::new(),
            matched: HashSet::new(),
        };
        areas.iter().chain(&groups).for_each(|division| known.learn_division(division));
        let residents = roster.residents.iter().flat_map(|sheet| &sheet.rows);
        known.listed_citizens.extend(residents.filter_map(|(_, row)| row.citizen_id.clone()));
        let merchants = roster.merchants.iter().flat_map(|sheet| &sheet.rows);
        known.listed_credit_codes.extend(merchants.filter_map(|(_, row)| row.credit_code.clone()));
        Ok(known)
    }

    /// The village's keys. Asked for in each transaction anew: a key that was made in one that is rolled back is no key.
    pub(super) async fn keys(&self, tx: &mut Tx) -> Result<VillageKeys> {
        self.vault.keys(tx, &self.village).await
    }

    /// An id for a record that a row makes. That the same row makes it once is for the numbers to say, which are unique.
    pub(super) fn new_id(&self) -> Uuid {
        self.clock.new_id()
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// The area with this code, as the village writes it.
    pub(super) fn area(&self, code: &LocalCode) -> Option<&LocalCode> {
        self.areas.get(code.meaning())
    }

    pub(super) fn grid(&self, code: &GridCode) -> Result<&Grid, Refusal> {
        self.grids.get(code).ok_or_else(|| {
            Refusal::new("UNKNOWN_GRID", format!("未知的微网格“{code}”，请先在“微网格”表里登记，或改填正确的编号"))
        })
    }

    pub(super) fn group(&self, written: &str) -> Result<LocalCode, Refusal> {
        self.groups.find(written)
    }

    /// The households with these numbers, by number.
    pub(super) async fn households<'r>(
        &self,
        tx: &mut Tx,
        numbers: impl Iterator<Item = &'r str>,
    ) -> Result<HashMap<String, Landlord>> {
        let (mut found, mut wanted) = (HashMap::new(), Vec::new());
        for number in numbers {
            match self.households.get(number) {
                Some(household) => _ = found.insert(number.to_owned(), *household),
                None => wanted.push(number),
            }
        }
        let looked_up = household_kinds(tx, &self.village, &wanted).await?;
        found.extend(looked_up.into_iter().map(|(number, id, kind)| (number, Landlord { id, kind })));
        Ok(found)
    }

    /// Is this record free to be taken for a row that names it only by name? Not if another row means it.
    pub(super) fn is_free(&self, id: Uuid) -> bool {
        !self.matched.contains(&id)
    }

    pub(super) fn lists_citizen(&self, number: &CitizenId) -> bool {
        self.listed_citizens.contains(number)
    }

    pub(super) fn lists_credit_code(&self, code: &CreditCode) -> bool {
        self.listed_credit_codes.contains(code)
    }

    pub(super) fn learn_division(&mut self, division: &Division) {
        match division.kind {
            Kind::Area => _ = self.areas.insert(division.code.meaning().to_owned(), division.code.clone()),
            Kind::VillagerGroup => self.groups.learn(&division.code, &division.display_name),
            Kind::PartyGroup => {} // no sheet refers to one
        }
    }

    pub(super) fn learn_grid(&mut self, grid: &Grid) {
        self.grids.insert(grid.name.grid, grid.clone());
    }

    pub(super) fn learn_household(&mut self, number: &str, id: Uuid, kind: households::Kind) {
        self.households.insert(number.to_owned(), Landlord { id, kind });
    }

    pub(super) fn learn_matched(&mut self, id: Uuid) {
        self.matched.insert(id);
    }
}

/// Villager groups by the names that rosters use, and by their codes.
#[derive(Debug, Default)]
struct Groups {
    names: HashMap<LocalCode, String>,
    codes: HashMap<String, Vec<LocalCode>>,
    /// By the number in the name: 第1村民小组 is also written 1组, 一组, 第一小组 or 01组.
    numbered: HashMap<u32, Vec<LocalCode>>,
}

impl Groups {
    fn learn(&mut self, code: &LocalCode, name: &str) {
        if let Some(former) = self.names.insert(code.clone(), name.to_owned())
            && let Some(codes) = self.codes.get_mut(&former)
        {
            codes.retain(|known| known != code);
            if let Some(codes) = group_number(&former).and_then(|number| self.numbered.get_mut(&number)) {
                codes.retain(|known| known != code);
            }
        }
        if let Some(number) = group_number(name) {
            self.numbered.entry(number).or_default().push(code.clone());
        }
        self.codes.entry(name.to_owned()).or_default().push(code.clone());
    }

    fn find(&self, written: &str) -> Result<LocalCode, Refusal> {
        let named = self.codes.get(written).map(Vec::as_slice).unwrap_or_default();
        match named {
            [code] => Ok(code.clone()),
            [] => self.by_code(written).or_else(|| self.by_number(written)).ok_or_else(|| {
                Refusal::new("UNKNOWN_VILLAGER_GROUP", "未知的村民小组，请先在“村民小组”表里登记，或改填正确的名称")
            }),
            _ => Err(Refusal::new("AMBIGUOUS_VILLAGER_GROUP", "有几个同名的村民小组，请改填小组编号")),
        }
    }
}

impl Groups {
    /// The group with this code, written like this or else in another way that means the same.
    fn by_code(&self, written: &str) -> Option<LocalCode> {
        let code: LocalCode = written.parse().ok()?;
        let same = || self.names.keys().filter(|known| known.meaning() == code.meaning()).min().cloned();
        if self.names.contains_key(&code) { Some(code) } else { same() }
    }

    /// The group whose number this is, if it is one group's.
    fn by_number(&self, written: &str) -> Option<LocalCode> {
        match self.numbered.get(&group_number(written)?)?.as_slice() {
            [code] => Some(code.clone()),
            _ => None,
        }
    }
}

/// The number in 第1村民小组, 1组, 十二组 or 01小组: what is around it says no more than that it is a group.
fn group_number(name: &str) -> Option<u32> {
    let name: String = name.chars().filter(|character| !character.is_whitespace()).collect();
    let bare = ["村民小组", "小组", "组"].iter().find_map(|word| name.strip_suffix(word))?;
    let bare = bare.strip_prefix('第').unwrap_or(bare);
    if bare.bytes().all(|byte| byte.is_ascii_digit()) { bare.parse().ok() } else { chinese_number(bare) }
}

/// 一 to 九十九.
fn chinese_number(text: &str) -> Option<u32> {
    let digit = |text: &str| match text {
        "一" => Some(1),
        "二" => Some(2),
        "三" => Some(3),
        "四" => Some(4),
        "五" => Some(5),
        "六" => Some(6),
        "七" => Some(7),
        "八" => Some(8),
        "九" => Some(9),
        _ => None,
    };
    match text.split_once('十') {
        None => digit(text),
        Some((tens, ones)) => {
            let tens = if tens.is_empty() { 1 } else { digit(tens)? };
            let ones = if ones.is_empty() { 0 } else { digit(ones)? };
            Some(tens * 10 + ones)
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;

    #[test]
    fn a_group_is_found_by_its_name_or_its_code_and_by_neither_if_two_have_the_name() {
        let code = |text: &str| text.parse::<LocalCode>().unwrap();
        let mut groups = Groups::default();
        groups.learn(&code("01"), "第1村民小组");
        groups.learn(&code("02"), "第2村民小组");
        assert_eq!(groups.find("第2村民小组"), Ok(code("02")));
        for written in ["02", "2", "002"] {
            assert_eq!(groups.find(written), Ok(code("02")), "{written}");
        }
        groups.learn(&code("2"), "大塘组");
        assert_eq!((groups.find("2"), groups.find("02")), (Ok(code("2")), Ok(code("02"))));
        assert_eq!(groups.find("第3村民小组").unwrap_err().reason, "UNKNOWN_VILLAGER_GROUP");
        groups.learn(&code("02"), "第1村民小组");
        assert_eq!(groups.find("第1村民小组").unwrap_err().reason, "AMBIGUOUS_VILLAGER_GROUP");
        assert!(groups.find("第2村民小组").is_err());
    }

    #[test]
    fn a_group_is_found_by_its_number_however_it_is_written() {
        let code = |text: &str| text.parse::<LocalCode>().unwrap();
        let mut groups = Groups::default();
        groups.learn(&code("01"), "第1村民小组");
        groups.learn(&code("12"), "第十二村民小组");
        for written in ["1组", "一组", "第一组", "01组", "第1小组", "第 1 村民小组"] {
            assert_eq!(groups.find(written), Ok(code("01")), "{written}");
        }
        assert_eq!(groups.find("12组"), Ok(code("12")));
        for written in ["2组", "组", "第组", "十组", "大塘组"] {
            assert_eq!(groups.find(written).unwrap_err().reason, "UNKNOWN_VILLAGER_GROUP", "{written}");
        }
        groups.learn(&code("21"), "一组");
        assert!(groups.find("1组").is_err() && groups.find("第1村民小组").is_ok());
        groups.learn(&code("01"), "第3村民小组");
        assert_eq!((groups.find("1组"), groups.find("3组")), (Ok(code("21")), Ok(code("01"))));
    }
}
