//! A village with a few places, and clients of those who work there.

use harness::{Call, Running, Stage};
use platform::Office;
use proto::google::r#type::Date;
use proto::registry::v1::grid_service_client::GridServiceClient;
use proto::registry::v1::household_service_client::HouseholdServiceClient;
use proto::registry::v1::merchant_service_client::MerchantServiceClient;
use proto::registry::v1::roster_service_client::RosterServiceClient;
use proto::registry::v1::village_service_client::VillageServiceClient;
use proto::registry::v1::*;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;

pub(crate) const GAOCHONG: &str = "430112011211";
pub(crate) const OTHER: &str = "430112011212";

pub(crate) type Client = InterceptedService<Channel, Call>;

/// Starts a registry.
pub(crate) async fn registry(stage: &Stage) -> Running {
    stage
        .serve(registry::SERVICE, &registry::migrations(), |platform, events, process| {
            registry::serve(registry::Config { platform, events }, process)
        })
        .await
}

/// A registry with two villages on board.
pub(crate) struct World {
    pub(crate) stage: Stage,
    pub(crate) running: Running,
}

impl World {
    /// Two villages and nothing in them.
    pub(crate) async fn empty() -> Self {
        let stage = Stage::new().await;
        let running = registry(&stage).await;
        let operator = stage.caller(Office::Operator, "430112011", &[]);
        let mut villages = VillageServiceClient::with_interceptor(running.channel(), operator);
        for (code, name) in [(GAOCHONG, "高冲村"), (OTHER, "双丰村")] {
            let village = Some(Village { display_name: name.into(), ..Village::default() });
            let request = CreateVillageRequest { village, village_id: code.into(), request_id: String::new() };
            villages.create_village(request).await.unwrap();
        }
        Self { stage, running }
    }

    /// Two villages, each with an area, a villager group, and grids 001 (where people have always lived), 002 (rebuilt)
    /// and 042 (an estate outside).
    pub(crate) async fn new() -> Self {
        let world = Self::empty().await;
        for village in [GAOCHONG, OTHER] {
            let mut grids = world.grids(&world.clerk(village));
            grids.create_area(area(village, "P01", "第1片")).await.unwrap();
            grids.create_villager_group(villager_group(village, "01", "第1村民小组")).await.unwrap();
            for (code, kind) in [
                ("001", GridKind::OriginalSettlement),
                ("002", GridKind::ResettlementArea),
                ("042", GridKind::OutsideEstate),
            ] {
                grids.create_grid(grid(village, code, kind)).await.unwrap();
            }
        }
        world
    }

    pub(crate) fn clerk(&self, village: &str) -> Call {
        self.stage.caller(Office::Clerk, village, &[])
    }

    pub(crate) fn grids(&self, caller: &Call) -> GridServiceClient<Client> {
        GridServiceClient::with_interceptor(self.running.channel(), caller.clone())
    }

    pub(crate) fn households(&self, caller: &Call) -> HouseholdServiceClient<Client> {
        HouseholdServiceClient::with_interceptor(self.running.channel(), caller.clone())
    }

    pub(crate) fn merchants(&self, caller: &Call) -> MerchantServiceClient<Client> {
        MerchantServiceClient::with_interceptor(self.running.channel(), caller.clone())
    }

    pub(crate) fn rosters(&self, caller: &Call) -> RosterServiceClient<Client> {
        RosterServiceClient::with_interceptor(self.running.channel(), caller.clone())
    }

    /// How many changes have been recorded, of all records.
    pub(crate) async fn changes(&self) -> i64 {
        let mut owner = self.running.database.connect_as_owner().await;
        sqlx::query_scalar("select count(*) from change_log").fetch_one(&mut owner).await.unwrap()
    }
}

pub(crate) fn area(village: &str, code: &str, name: &str) -> CreateAreaRequest {
    CreateAreaRequest {
        parent: format!("villages/{village}"),
        area: Some(Area { display_name: name.into(), ..Area::default() }),
        area_id: code.into(),
        request_id: String::new(),
    }
}

pub(crate) fn villager_group(village: &str, code: &str, name: &str) -> CreateVillagerGroupRequest {
    CreateVillagerGroupRequest {
        parent: format!("villages/{village}"),
        villager_group: Some(VillagerGroup { display_name: name.into(), ..VillagerGroup::default() }),
        villager_group_id: code.into(),
        request_id: String::new(),
    }
}

pub(crate) fn grid(village: &str, code: &str, kind: GridKind) -> CreateGridRequest {
    CreateGridRequest {
        parent: format!("villages/{village}"),
        grid: Some(Grid {
            display_name: format!("网格{code}"),
            area: format!("villages/{village}/areas/P01"),
            kind: kind.into(),
            ..Grid::default()
        }),
        grid_id: code.into(),
        request_id: String::new(),
    }
}

pub(crate) fn grid_name(village: &str, code: &str) -> String {
    format!("villages/{village}/grids/{code}")
}

/// An original household in grid 001.
pub(crate) fn household(village: &str, number: &str) -> Household {
    Household {
        number: number.into(),
        head_name: "张三丰".into(),
        registered_persons: 3,
        kind: HouseholdKind::Original.into(),
        grid: grid_name(village, "001"),
        address: "高冲村第1村民小组1号".into(),
        ..Household::default()
    }
}

/// A household of the rebuilt area, in grid 002.
pub(crate) fn rebuilt(village: &str, number: &str) -> Household {
    Household { kind: HouseholdKind::RebuiltArea.into(), grid: grid_name(village, "002"), ..household(village, number) }
}

pub(crate) fn create(village: &str, household: Household) -> CreateHouseholdRequest {
    CreateHouseholdRequest {
        parent: format!("villages/{village}"),
        household: Some(household),
        household_id: String::new(),
        request_id: String::new(),
    }
}

pub(crate) fn mask(paths: &[&str]) -> Option<prost_types::FieldMask> {
    Some(prost_types::FieldMask { paths: paths.iter().map(ToString::to_string).collect() })
}

pub(crate) fn date(year: i32, month: i32, day: i32) -> Option<Date> {
    Some(Date { year, month, day })
}
