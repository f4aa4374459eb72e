//! The README's first command: started, used, stopped and started again on the data it kept.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test may fail")]

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use harness::wait_for;
use lianxin::client::{Access, Line, connect};
use lianxin::{report, token};
use platform::Office;
use platform::caller::token::GrantClaim;
use proto::registry::v1::household_service_client::HouseholdServiceClient;
use proto::registry::v1::{Household, HouseholdFilter, ListHouseholdsRequest, UpdateHouseholdRequest};
use tests::{GAOCHONG, binary, shipped};

struct Up {
    child: Child,
    folder: PathBuf,
    port: u16,
}

impl Up {
    /// Starts it and waits for its last words.
    async fn start(folder: &Path, port: u16) -> Self {
        let said = folder.with_extension("log");
        let out = std::fs::File::create(&said).unwrap();
        let child = Command::new("setpriv")
            .args(["--pdeathsig", "INT", "--"])
            .arg(binary())
            .args(["up", "--port", &port.to_string(), "--folder"])
            .arg(folder)
            .arg("--programs")
            .arg(std::env::var("LIANXIN_TEST_PROGRAMS").expect("run the tests with tests/run"))
            .arg("--data")
            .arg(shipped(""))
            .stdin(Stdio::null())
            .stdout(out.try_clone().unwrap())
            .stderr(out)
            .spawn()
            .unwrap();
        let up = Self { child, folder: folder.to_owned(), port };
        wait_for("lianxin up to be up", || async {
            let said = std::fs::read_to_string(&said).unwrap();
            assert!(!said.contains("lianxin:"), "{said}");
            said.contains("Ctrl-C")
        })
        .await;
        up
    }

    async fn stop(mut self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
        let ended = tokio::task::spawn_blocking(move || self.child.wait().unwrap());
        assert!(tokio::time::timeout(Duration::from_secs(30), ended).await.unwrap().unwrap().success());
    }

    async fn line(&self, service: u16) -> Line {
        let address = format!("http://127.0.0.1:{}", self.port + service);
        let key = self.folder.join("secrets/signing.key");
        let grant = GrantClaim { office: Office::Clerk, scope: GAOCHONG.to_owned(), grids: None };
        let token = token::sign(&key, "clerk".to_owned(), grant, Duration::from_secs(600)).unwrap();
        let [registry, liaison, casework, reporting] = [(); 4].map(|()| address.clone());
        let access = Access { registry, liaison, casework, reporting, token: Some(token), key };
        connect(&address, &access.caller(GAOCHONG).unwrap()).await.unwrap()
    }

    async fn household(&self) -> Household {
        let filter = Some(HouseholdFilter { number: "00001".into(), ..Default::default() });
        let request = ListHouseholdsRequest {
            parent: format!("villages/{GAOCHONG}"),
            filter,
            ..ListHouseholdsRequest::default()
        };
        let answer = HouseholdServiceClient::new(self.line(0).await).list_households(request).await.unwrap();
        answer.into_inner().households.remove(0)
    }
}

/// The first of four ports that are free, as are those of the admin 100 above.
fn ports() -> u16 {
    let free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
    (12_000..14_800).step_by(4).find(|base| (*base..base + 4).all(|port| free(port) && free(port + 100))).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_edited_since_the_first_start_is_still_there_after_the_second() {
    let folder = tempfile::tempdir().unwrap();
    let (folder, port) = (folder.path().join("data"), ports());
    let first = Up::start(&folder, port).await;
    let before = first.household().await;
    let edited = Household { telephone: "19099999999".into(), ..before.clone() };
    let update = UpdateHouseholdRequest {
        household: Some(edited),
        update_mask: Some(prost_types::FieldMask { paths: vec!["telephone".into()] }),
        request_id: String::new(),
    };
    let edited = HouseholdServiceClient::new(first.line(0).await).update_household(update).await.unwrap().into_inner();
    assert_ne!(edited.telephone, before.telephone);
    first.stop().await;

    let second = Up::start(&folder, port).await;
    assert_eq!(second.household().await, edited);
    let figures = report::figures(second.line(3).await, GAOCHONG, None, None).await.unwrap().total.unwrap();
    assert_eq!((figures.households, figures.households_linked, figures.concerns_reported), (1186, 1186, 45));
    second.stop().await;
}
